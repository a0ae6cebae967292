//===- NpyHeader.cpp - the header of an .npy file -------------------------===//
// A parser of the one dictionary NumPy writes, {'descr': ..., 'fortran_order':
// ..., 'shape': ...}, in any order and spacing. Messages give the byte.
//===----------------------------------------------------------------------===//
#include "NpyHeader.h"
#include <limits>

using namespace deltanet::support;

namespace {
class Parser {
public:
  Parser(const std::string &text, std::string &error)
      : text(text), error(error) {}

  std::optional<NpyHeader> parse();

private:
  bool parseEntry();
  bool parseString(std::string &value);
  bool parseBool(bool &value);
  bool parseShape();
  bool parseExtent();

  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' ||
                                text[at] == '\n' || text[at] == '\r'))
      ++at;
  }
  bool consume(const char *token) {
    skipSpace();
    size_t length = std::char_traits<char>::length(token);
    if (text.compare(at, length, token) != 0)
      return false;
    at += length;
    return true;
  }
  bool expected(const std::string &what) {
    skipSpace();
    error = "expects " + what + " in the header, got ";
    error += at < text.size() ? "\"" + text.substr(at, 12) + "\"" : "its end";
    error += " at byte " + std::to_string(at) + " of it";
    return false;
  }

  const std::string &text;
  std::string &error;
  size_t at = 0;
  NpyHeader header;
  bool hasDescr = false, hasOrder = false, hasShape = false;
};
} // namespace

bool Parser::parseString(std::string &value) {
  const char quote = consume("'") ? '\'' : consume("\"") ? '"' : 0;
  if (!quote)
    return expected("a string");
  size_t end = text.find(quote, at);
  if (end == std::string::npos)
    return expected("a string that ends");
  value = text.substr(at, end - at);
  at = end + 1;
  return true;
}

bool Parser::parseBool(bool &value) {
  value = consume("True");
  return value || consume("False") || expected("True or False");
}

bool Parser::parseExtent() {
  skipSpace();
  if (at == text.size() || text[at] < '0' || text[at] > '9')
    return expected("an extent that is a whole number of at least 0");
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  size_t first = at;
  int64_t extent = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    int digit = text[at] - '0';
    if (extent > (largest - digit) / 10) {
      at = first;
      return expected("an extent below 2^63");
    }
    extent = extent * 10 + digit;
  }
  consume("L"); // Python 2 wrote long integers so.
  header.shape.push_back(extent);
  return true;
}

bool Parser::parseShape() {
  if (!consume("("))
    return expected("a shape in parentheses");
  while (!consume(")")) {
    if (!parseExtent())
      return false;
    bool comma = consume(",");
    if (consume(")"))
      return true;
    if (!comma)
      return expected("\",\" or \")\"");
  }
  return true;
}

bool Parser::parseEntry() {
  size_t start = (skipSpace(), at);
  std::string key;
  if (!parseString(key))
    return false;
  bool *seen = key == "descr"           ? &hasDescr
               : key == "fortran_order" ? &hasOrder
               : key == "shape"         ? &hasShape
                                        : nullptr;
  if (!seen || *seen) {
    at = start;
    return expected("descr, fortran_order and shape, each once,");
  }
  *seen = true;
  if (!consume(":"))
    return expected("\":\"");
  if (seen == &hasOrder)
    return parseBool(header.columnMajor);
  if (seen == &hasShape)
    return parseShape();
  skipSpace();
  if (at < text.size() && text[at] == '[')
    return expected("one element type, no record,");
  return parseString(header.descr);
}

std::optional<NpyHeader> Parser::parse() {
  if (!consume("{")) {
    expected("a dictionary");
    return std::nullopt;
  }
  while (!consume("}")) {
    if (!parseEntry())
      return std::nullopt;
    if (!consume(",") && (skipSpace(), at == text.size() || text[at] != '}')) {
      expected("\",\" or \"}\"");
      return std::nullopt;
    }
  }
  const char *missing = !hasDescr   ? "descr"
                        : !hasOrder ? "fortran_order"
                        : !hasShape ? "shape"
                                    : nullptr;
  if (missing) {
    error =
        std::string(
            "expects descr, fortran_order and shape in the header, got no ") +
        missing;
    return std::nullopt;
  }
  skipSpace();
  if (at != text.size()) {
    expected("nothing after the dictionary");
    return std::nullopt;
  }
  return header;
}

std::optional<NpyHeader>
deltanet::support::parseNpyHeader(const std::string &text, std::string &error) {
  return Parser(text, error).parse();
}

std::string deltanet::support::formatShape(const std::vector<int64_t> &shape) {
  std::string result = "(";
  for (size_t i = 0; i != shape.size(); ++i)
    result += (i ? ", " : "") + std::to_string(shape[i]);
  return result + (shape.size() == 1 ? ",)" : ")");
}
