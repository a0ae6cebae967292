//===- DescriptionTest.cpp - JSON, expressions and launches ---------------===//
// What the runner for GPUs reads: what is written wrongly is refused with the
// rule and the place, never taken for something else.
//===----------------------------------------------------------------------===//
#include "Case.h"
#include "gtest/gtest.h"

using namespace deltanet::gpu;

namespace {
template <typename Body> std::string refusal(Body body) {
  try {
    body();
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "not refused";
}

std::string refuseJson(const std::string &text) {
  return refusal([&] { Json::parse(text, "a file"); });
}

std::string refuseExpression(const std::string &text) {
  return refusal([&] { evaluate(text, {{"T", 130}}); });
}
} // namespace

TEST(GpuCheckJson, ReadsValues) {
  Json json = Json::parse("{\"a\": [1, -2.5e3, \"x\\n\\u00e9\\\"\"],\n"
                          " \"b\": {\"c\": true, \"d\": null}}",
                          "a file");
  EXPECT_EQ(json.at("a").getList()[0].getInteger(), 1);
  EXPECT_EQ(json.at("a").getList()[1].getNumber(), -2500);
  EXPECT_EQ(json.at("a").getList()[2].getText(), "x\n\xc3\xa9\"");
  EXPECT_TRUE(json.at("b").at("c").getBool());
  EXPECT_EQ(json.at("b").find("e"), nullptr);
}

TEST(GpuCheckJson, RefusesMistakes) {
  EXPECT_EQ(refuseJson("{\"a\": 1"),
            "expects ',' or '}', got the end at 7 of a file");
  EXPECT_EQ(refuseJson("[1, ]"), "expects a value, got ']' at 4 of a file");
  EXPECT_EQ(refuseJson("\"a"),
            "expects the end of a text, got the end at 2 of a file");
  EXPECT_EQ(refuseJson("\"\\q\""),
            "expects an escape, got 'q\"' at 2 of a file");
  EXPECT_EQ(refuseJson("{} x"),
            "expects nothing after the value, got 'x' at 3 of a file");
  EXPECT_EQ(refuseJson("{\"a\": 1, \"a\": 2}"),
            "expects one member 'a', got '}' at 15 of a file");
  EXPECT_EQ(refuseJson(std::string(100, '[')).substr(0, 24),
            "expects at most 64 level");
}

TEST(GpuCheckJson, RefusesOtherKinds) {
  Json json = Json::parse("{\"a\": 1.5}", "a file");
  EXPECT_EQ(refusal([&] { json.at("a").getText(); }),
            "expects a text, got a number in a file at 6");
  EXPECT_EQ(refusal([&] { json.at("a").getInteger(); }),
            "expects a whole number, got a number in a file at 6");
  EXPECT_EQ(refusal([&] { json.at("b"); }),
            "expects a member 'b', got an object in a file at 0");
}

TEST(GpuCheckExpression, Evaluates) {
  Sizes sizes = {{"T", 130}, {"H", 3}, {"N", 2}};
  EXPECT_EQ(evaluate("7", sizes), 7);
  EXPECT_EQ(evaluate("ceildiv(T, 64) * H", sizes), 9);
  EXPECT_EQ(evaluate("T / 64 - 1", sizes), 1);
  EXPECT_EQ(evaluate("-T / 64", sizes), -3);
  EXPECT_EQ(evaluate("min(T, 64) + max(H, N)", sizes), 67);
  EXPECT_EQ(evaluate("(T+1)*2 - H", sizes), 259);
}

TEST(GpuCheckExpression, RefusesMistakes) {
  EXPECT_EQ(refuseExpression("H"), "expects a size for 'H' in 'H'");
  EXPECT_EQ(refuseExpression("T +"),
            "expects a number or a name at 3 of 'T +'");
  EXPECT_EQ(refuseExpression("T / 0"),
            "expects a divisor above zero before it at 5 of 'T / 0'");
  EXPECT_EQ(refuseExpression("floor(T, 2)"),
            "expects ceildiv, min or max, got 'floor' in 'floor(T, 2)'");
  EXPECT_EQ(refuseExpression("T 2"),
            "expects an operator or the end at 2 of 'T 2'");
  EXPECT_EQ(refuseExpression("999999999999999999 * T"),
            "expects a product of 64 bits at 22 of '999999999999999999 * T'");
}

TEST(GpuCheckLaunch, ReadsKernelsInOrder) {
  std::string first =
      "// deltanet.launch {\"kernel\":\"a\",\"target\":\"sm_80\",\"grid\":"
      "[\"1\",\"H\",2],\"block\":64,\"shared\":0,\"arguments\":[{\"name\":"
      "\"w\",\"role\":\"workspace\",\"type\":\"f32\",\"shape\":[\"ceildiv(T, "
      "64)\",\"8\"]},{\"name\":\"T\",\"role\":\"size\",\"type\":\"i64\"}]}\n";
  std::string second = first;
  second.replace(second.find("\"a\""), 3, "\"b\"");
  second.replace(second.find("\"shared\""), 0, "\"cluster\":[2,1,1],");
  std::vector<Launch> launches = readLaunches(first + second);
  ASSERT_EQ(launches.size(), 2u);
  EXPECT_EQ(launches[0].kernel, "a");
  EXPECT_TRUE(launches[0].cluster.empty());
  EXPECT_EQ(launches[1].kernel, "b");
  EXPECT_EQ(launches[1].cluster, (std::vector<int64_t>{2, 1, 1}));
  EXPECT_EQ(launches[0].arguments[0].role, Argument::Role::Workspace);
  EXPECT_EQ(launches[0].arguments[0].getBytes({{"T", 65}}), 2 * 8 * 4);
  EXPECT_EQ(launches[0].arguments[1].role, Argument::Role::Size);
}

TEST(GpuCheckLaunch, ChoosesVariants) {
  auto line = [](const char *kernel, const char *more) {
    return std::string("// deltanet.launch {\"kernel\":\"") + kernel +
           "\",\"target\":\"sm_80\",\"grid\":[\"1\",\"H\",2],\"block\":64," +
           more + "\"shared\":0,\"arguments\":[]}\n";
  };
  const char *few = "\"variant\":\"few\",\"when\":\"B * H * 4 <= M\",",
             *some = "\"variant\":\"some\",\"when\":\"B <= 2\",";
  std::vector<Launch> launches = readLaunches(line("a", few) + line("b", few) +
                                              line("c", some) + line("d", ""));
  auto choose = [&](int64_t batch, int64_t heads) {
    return chooseVariant(launches, {{"B", batch}, {"H", heads}, {"M", 132}});
  };
  EXPECT_EQ(choose(3, 11), "few");
  EXPECT_EQ(choose(2, 17), "some");
  EXPECT_EQ(choose(3, 12), "");
  EXPECT_EQ(refusal([&] {
              readLaunches(line("a", "\"variant\":\"few\","));
            }).substr(0, 23),
            "expects a member 'when'");
  EXPECT_EQ(refusal([&] {
              readLaunches(
                  line("a", "\"variant\":\"few\",\"when\":\"B < M\","));
            }),
            "expects a condition 'low <= high', got 'B < M'");
}

TEST(GpuCheckLaunch, RefusesMistakes) {
  EXPECT_EQ(refusal([] { readLaunches(".version 8.0"); }),
            "expects PTX with a line '// deltanet.launch {...}'");
  EXPECT_EQ(refusal([] { readLaunches("// deltanet.launch {}\n"); }),
            "expects a member 'kernel', got an object in the launch "
            "description at 0");
  Json role = Json::parse("{\"name\":\"x\",\"role\":\"guest\"}", "a file");
  EXPECT_EQ(refusal([&] { readArgument(role); }),
            "expects a role of input, size, output or workspace, got 'guest'");
  Argument huge;
  huge.name = "q";
  huge.shape = {"T * T", "T * T", "T * T", "T * T", "T * T"};
  EXPECT_EQ(refusal([&] { huge.getBytes({{"T", 1000000}}); }),
            "expects a tensor that memory can hold, got 'q'");
}
