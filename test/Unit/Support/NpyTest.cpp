//===- NpyTest.cpp - tensors in .npy files --------------------------------===//
// Files as NumPy writes them, byte by byte, and every way they can be broken.
// If these fail, a user's tensor is read wrongly or refused without a reason.
//===----------------------------------------------------------------------===//
#include "deltanet/Support/Npy.h"
#include "Support/Temporary.h"
#include <cmath>
#include <cstring>

using namespace deltanet;
using namespace deltanet::support;

/// A file of the version, dictionary and data given.
static std::string makeFile(const std::string &dictionary,
                            const std::string &data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += {static_cast<char>(version), '\0'};
  for (size_t i = 0; i != (version == 1 ? 2u : 4u); ++i)
    file += static_cast<char>(dictionary.size() >> (8 * i));
  return file + dictionary + data;
}

static std::string dictionary(const std::string &descr,
                              const std::string &shape,
                              const std::string &order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

template <typename T>
static std::string bytesOf(std::initializer_list<T> elements) {
  return std::string(reinterpret_cast<const char *>(elements.begin()),
                     elements.size() * sizeof(T));
}

static NpyArray parse(const std::string &file) {
  std::string error;
  std::optional<NpyArray> array = parseNpy(file, "x.npy", error);
  EXPECT_TRUE(array) << error;
  return array.value_or(NpyArray());
}

static std::string refuse(const std::string &file) {
  std::string error;
  EXPECT_FALSE(parseNpy(file, "x.npy", error));
  return error;
}

using Doubles = std::vector<double>;
using Shape = std::vector<int64_t>;

TEST(Npy, EveryVersionAndElementType) {
  for (int version : {1, 2, 3}) {
    auto read = [&](const char *descr, const std::string &data) {
      return parse(makeFile(dictionary(descr, "(2,)"), data, version));
    };
    EXPECT_EQ(toDoubles(read("<f4", bytesOf<float>({1.5f, -2.f}))),
              Doubles({1.5, -2}));
    EXPECT_EQ(toDoubles(read("<f8", bytesOf<double>({0.1, -2}))),
              Doubles({0.1, -2}));
    EXPECT_EQ(toDoubles(read("<f2", bytesOf<uint16_t>({0x3c00, 0xc000}))),
              Doubles({1, -2}));
    EXPECT_EQ(toDoubles(read("<i4", bytesOf<int32_t>({-7, 9}))),
              Doubles({-7, 9}));
    EXPECT_EQ(toDoubles(read("<i8", bytesOf<int64_t>({-7, 1ll << 40}))),
              Doubles({-7, 0x1p40}));
    for (const char *descr : {"<u2", "<V2", "|V2", "V2"}) {
      NpyArray array = read(descr, bytesOf<uint16_t>({0x3f80, 0xc000}));
      EXPECT_EQ(array.type, NpyType::BF16);
      EXPECT_EQ(toDoubles(array), Doubles({1, -2}));
    }
  }
}

TEST(Npy, Shapes) {
  auto shapeOf = [](const char *shape, size_t count) {
    return parse(
               makeFile(dictionary("<i4", shape), std::string(4 * count, '\0')))
        .shape;
  };
  EXPECT_EQ(shapeOf("()", 1), Shape());
  EXPECT_EQ(shapeOf("(3,)", 3), Shape({3}));
  EXPECT_EQ(shapeOf("(2, 3)", 6), Shape({2, 3}));
  EXPECT_EQ(shapeOf("(2,3,)", 6), Shape({2, 3}));
  EXPECT_EQ(shapeOf("(2L, 3L)", 6), Shape({2, 3}));
  EXPECT_EQ(shapeOf("(4611686018427387904, 0, 4611686018427387904)", 0),
            Shape({4611686018427387904, 0, 4611686018427387904}));
}

TEST(Npy, ColumnMajorIsBroughtIntoRowMajor) {
  // Element (i, j, l) of a 2 x 3 x 2 tensor is 100 i + 10 j + l.
  std::string data =
      bytesOf<int32_t>({0, 100, 10, 110, 20, 120, 1, 101, 11, 111, 21, 121});
  NpyArray array =
      parse(makeFile(dictionary("<i4", "(2, 3, 2)", "True"), data));
  EXPECT_EQ(array.shape, Shape({2, 3, 2}));
  EXPECT_EQ(toDoubles(array),
            Doubles({0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121}));
}

TEST(Npy, DictionaryInAnotherOrderAndQuotes) {
  NpyArray array = parse(
      makeFile("{\"shape\":(1,),\"fortran_order\":False,\"descr\":\"<i4\"}",
               bytesOf<int32_t>({5})));
  EXPECT_EQ(toDoubles(array), Doubles({5}));
}

TEST(Npy, WritesWhatNumPyWrites) {
  double values[] = {1, 2, 3, 4, 5, 6};
  std::string file = serializeNpy(fromDoubles(NpyType::F32, {2, 3}, values));
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  header.resize(117, ' ');
  std::string want("\x93NUMPY\x01\x00\x76\x00", 10);
  want += header + "\n" + bytesOf<float>({1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(file == want);
  EXPECT_NE(serializeNpy(fromDoubles(NpyType::BF16, {1}, values)).find("'<V2'"),
            std::string::npos);
}

TEST(Npy, RoundTripThroughAFile) {
  test::TemporaryFolder folder;
  std::string path = folder.file("x.npy"), error;
  double values[] = {0, -1, 2.5, 1024, -0.125, 7};
  for (NpyType type : {NpyType::BF16, NpyType::F16, NpyType::F32, NpyType::F64,
                       NpyType::I32, NpyType::I64})
    for (const Shape &shape : {Shape({2, 3}), Shape({6}), Shape({1, 6, 1}),
                               Shape({0, 4}), Shape()}) {
      NpyArray array = fromDoubles(type, shape, values);
      ASSERT_TRUE(writeNpy(path, array, error)) << error;
      std::optional<NpyArray> got = readNpy(path, error);
      ASSERT_TRUE(got) << error;
      EXPECT_EQ(got->type, type);
      EXPECT_EQ(got->shape, shape);
      EXPECT_EQ(got->bytes, array.bytes);
      EXPECT_EQ(std::filesystem::file_size(path) % 64, array.bytes.size() % 64)
          << "data begin at a multiple of 64";
    }
}

TEST(Npy, ConversionsRound) {
  double values[] = {2.5, 3.5, 1e300, -1e300, std::nan("")};
  EXPECT_EQ(toDoubles(fromDoubles(NpyType::I32, {5}, values)),
            Doubles({2, 4, 2147483647.0, -2147483648.0, 0}));
  EXPECT_EQ(toDoubles(fromDoubles(NpyType::I64, {4}, values)),
            Doubles({2, 4, 0x1p63, -0x1p63}));
  double tie[] = {1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-40};
  EXPECT_EQ(toDoubles(fromDoubles(NpyType::BF16, {2}, tie)),
            Doubles({1, 1 + 0x1p-7}));
}

//===----------------------------------------------------------------------===//
// Malformed files
//===----------------------------------------------------------------------===//

TEST(NpyRefused, Files) {
  test::TemporaryFolder folder;
  std::string path = folder.file("missing.npy"), error;
  EXPECT_FALSE(readNpy(path, error));
  EXPECT_EQ(error, path + ": cannot be read: No such file or directory");
}

TEST(NpyRefused, Magic) {
  EXPECT_EQ(refuse(""), "x.npy: expects an .npy file, which begins with 93 4e "
                        "55 4d 50 59, got an "
                        "empty file");
  EXPECT_EQ(refuse("PK\3\4and so on"),
            "x.npy: expects an .npy file, which begins with 93 4e 55 4d "
            "50 59, got 50 4b 03 04 61 6e");
  EXPECT_EQ(refuse("\x93NU"), "x.npy: expects an .npy file, which begins with "
                              "93 4e 55 4d 50 59, got 93 4e 55");
}

TEST(NpyRefused, Version) {
  EXPECT_EQ(refuse(makeFile(dictionary("<f4", "()"), "", 4)),
            "x.npy: expects version 1, 2 or 3 of the .npy format, got 4");
}

TEST(NpyRefused, TruncatedHeader) {
  std::string file = makeFile(dictionary("<f4", "(1,)"), bytesOf<float>({1}));
  size_t header = dictionary("<f4", "(1,)").size();
  EXPECT_EQ(refuse(file.substr(0, 9)),
            "x.npy: expects 10 bytes before the header, got 9");
  EXPECT_EQ(refuse(makeFile("", "", 2).substr(0, 10)),
            "x.npy: expects 12 bytes before the header, got 10");
  EXPECT_EQ(refuse(file.substr(0, 30)), "x.npy: expects a header of " +
                                            std::to_string(header) +
                                            " bytes, got 20");
}

TEST(NpyRefused, Data) {
  std::string file =
      makeFile(dictionary("<f4", "(2, 3)"), std::string(24, '\0'));
  EXPECT_EQ(refuse(file.substr(0, file.size() - 1)),
            "x.npy: expects 24 bytes of data for shape (2, 3) of f32, got 23");
  EXPECT_EQ(refuse(file + "x"),
            "x.npy: expects 24 bytes of data for shape (2, 3) of f32, got 25");
}

TEST(NpyRefused, ElementTypes) {
  for (const char *descr : {">f4", "<c8", "|b1", "<u4", "|O", "f4x", ""})
    EXPECT_EQ(refuse(makeFile(dictionary(descr, "()"), std::string(8, '\0'))),
              std::string("x.npy: expects elements of f2, f4, f8, i4, i8, u2 "
                          "or V2 (bfloat16), "
                          "little endian, got \"") +
                  descr + "\"");
  EXPECT_EQ(
      refuse(makeFile(
          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
          "")),
      "x.npy: expects one element type, no record, in the header, got \"[('a', "
      "'<f4'\" at "
      "byte 10 of it");
}

TEST(NpyRefused, Overflow) {
  EXPECT_EQ(refuse(makeFile(dictionary("<f4", "(4294967296, 4294967296)"), "")),
            "x.npy: expects fewer than 2^63 bytes of data, got shape "
            "(4294967296, 4294967296) of "
            "f32");
  EXPECT_EQ(refuse(makeFile(dictionary("<f4", "(9223372036854775808,)"), "")),
            "x.npy: expects an extent below 2^63 in the header, got "
            "\"922337203685\" at byte 51 of "
            "it");
}

TEST(NpyRefused, Dictionary) {
  auto header = [](const std::string &text) {
    return refuse(makeFile(text, ""));
  };
  EXPECT_EQ(
      header(""),
      "x.npy: expects a dictionary in the header, got its end at byte 0 of it");
  EXPECT_EQ(
      header("[1]"),
      "x.npy: expects a dictionary in the header, got \"[1]\" at byte 0 of it");
  EXPECT_EQ(header("{}"), "x.npy: expects descr, fortran_order and shape in "
                          "the header, got no descr");
  EXPECT_EQ(header("{'descr': '<f4'}"),
            "x.npy: expects descr, fortran_order and shape in the header, got "
            "no fortran_order");
  EXPECT_EQ(header("{'descr': '<f4', 'fortran_order': False, }"),
            "x.npy: expects descr, fortran_order and shape in the header, got "
            "no shape");
  EXPECT_EQ(header("{descr: '<f4'}"), "x.npy: expects a string in the header, "
                                      "got \"descr: '<f4'\" at byte 1 of it");
  EXPECT_EQ(header("{'descr"), "x.npy: expects a string that ends in the "
                               "header, got \"descr\" at byte 2 of it");
  EXPECT_EQ(
      header("{'descr' '<f4'}"),
      "x.npy: expects \":\" in the header, got \"'<f4'}\" at byte 9 of it");
  EXPECT_EQ(header("{'descr': '<f4' 'shape': ()}"),
            "x.npy: expects \",\" or \"}\" in the header, got \"'shape': ()}\" "
            "at byte 16 of it");
  EXPECT_EQ(header("{'order': 'C'}"),
            "x.npy: expects descr, fortran_order and shape, each once, in "
            "the header, got \"'order': 'C'\" at byte 1 of it");
  EXPECT_EQ(header("{'shape': (), 'shape': ()}"),
            "x.npy: expects descr, fortran_order and shape, each once, in the "
            "header, got "
            "\"'shape': ()}\" at byte 14 of it");
  EXPECT_EQ(header("{'fortran_order': 1}"),
            "x.npy: expects True or False in the header, got \"1}\" at byte 18 "
            "of it");
  EXPECT_EQ(header("{'shape': 3}"), "x.npy: expects a shape in parentheses in "
                                    "the header, got \"3}\" at byte 10 of it");
  EXPECT_EQ(header("{'shape': (-1,)}"),
            "x.npy: expects an extent that is a whole number of at "
            "least 0 in the header, got \"-1,)}\" at byte 11 of it");
  EXPECT_EQ(header("{'shape': (2 3)}"), "x.npy: expects \",\" or \")\" in the "
                                        "header, got \"3)}\" at byte 13 of it");
  EXPECT_EQ(header(dictionary("<f4", "()") + "more"),
            "x.npy: expects nothing after the dictionary in the header, got "
            "\"more\" at byte " +
                std::to_string(dictionary("<f4", "()").size()) + " of it");
}
