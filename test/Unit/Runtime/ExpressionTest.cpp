//===- ExpressionTest.cpp - sizes in terms of others ----------------------===//
// Values, what is refused and where, and what overflows.
//===----------------------------------------------------------------------===//
#include "deltanet/Runtime/Expression.h"
#include "gtest/gtest.h"
#include <cmath>
#include <string>

namespace {
constexpr int64_t kMax = INT64_MAX, kMin = INT64_MIN;

/// Sizes A, B2 and _c are numbers 0, 1 and 2.
int lookup(void *, const char *name, size_t length) {
  const char *names[] = {"A", "B2", "_c"};
  for (int i = 0; i < 3; ++i)
    if (std::string(name, length) == names[i])
      return i;
  return -1;
}

struct Parsed {
  explicit Parsed(const std::string &text) {
    char message[256] = "";
    expression =
        deltanet_parse(text.c_str(), lookup, nullptr, message, sizeof message);
    error = message;
  }
  ~Parsed() { deltanet_free_expression(expression); }
  deltanet_expression *expression;
  std::string error;
};

/// The value with these sizes, or what is wrong.
std::string evaluate(const std::string &text, int64_t a = 0, int64_t b = 0,
                     int64_t c = 0) {
  Parsed parsed(text);
  if (!parsed.expression)
    return parsed.error;
  int64_t sizes[] = {a, b, c}, value = 0;
  const char *wrong = deltanet_evaluate(parsed.expression, sizes, &value);
  return wrong ? wrong : std::to_string(value);
}
} // namespace

TEST(Expression, Values) {
  EXPECT_EQ(evaluate("7"), "7");
  EXPECT_EQ(evaluate(" A * B2 + _c ", 3, 4, 5), "17");
  EXPECT_EQ(evaluate("A + B2 * _c", 3, 4, 5), "23");
  EXPECT_EQ(evaluate("(A + B2) * _c", 3, 4, 5), "35");
  EXPECT_EQ(evaluate("A - B2 - _c", 10, 4, 5), "1");
  EXPECT_EQ(evaluate("A / B2 / _c", 100, 5, 4), "5");
  EXPECT_EQ(evaluate("ceildiv(A, 64) * B2", 65, 2), "4");
  EXPECT_EQ(evaluate("min(A, B2) + max(A, B2) * 10", 3, 8), "83");
  EXPECT_EQ(evaluate("min(max(A, 2), ceildiv(B2, 3))", 9, 8), "3");
  EXPECT_EQ(evaluate("-A + 5", 3), "2");
  EXPECT_EQ(evaluate("2 * -3"), "-6");
  EXPECT_EQ(evaluate("9223372036854775807"), std::to_string(kMax));
}

TEST(Expression, DivisionRoundsDownAndUp) {
  for (int64_t a : {-7, -6, -1, 0, 1, 6, 7})
    for (int64_t b : {-3, -2, 2, 3}) {
      double quotient = double(a) / double(b);
      EXPECT_EQ(evaluate("A / B2", a, b),
                std::to_string(int64_t(floor(quotient))));
      EXPECT_EQ(evaluate("ceildiv(A, B2)", a, b),
                std::to_string(int64_t(ceil(quotient))));
    }
}

TEST(Expression, Overflow) {
  EXPECT_EQ(evaluate("A + 1", kMax), "an overflow");
  EXPECT_EQ(evaluate("A - 1", kMin), "an overflow");
  EXPECT_EQ(evaluate("A * B2", int64_t(1) << 32, int64_t(1) << 31),
            "an overflow");
  EXPECT_EQ(evaluate("A * B2", int64_t(1) << 31, int64_t(1) << 31),
            std::to_string(int64_t(1) << 62));
  EXPECT_EQ(evaluate("A / B2", kMin, -1), "an overflow");
  EXPECT_EQ(evaluate("ceildiv(A, B2)", kMin, -1), "an overflow");
  EXPECT_EQ(evaluate("A / B2", 1, 0), "a division by zero");
  EXPECT_EQ(evaluate("ceildiv(A, B2)", 1, 0), "a division by zero");
}

TEST(Expression, Refused) {
  EXPECT_EQ(evaluate(""),
            "expects a number, a name or '(' at character 1 of ''");
  EXPECT_EQ(evaluate("A +"),
            "expects a number, a name or '(' at character 4 of 'A +'");
  EXPECT_EQ(evaluate("A B2"),
            "expects an operator or the end at character 3 of 'A B2'");
  EXPECT_EQ(evaluate("(A"), "expects ')' at character 3 of '(A'");
  EXPECT_EQ(evaluate("Q + A"),
            "expects the name of a size at character 1 of 'Q + A'");
  EXPECT_EQ(evaluate("A + B"),
            "expects the name of a size at character 5 of 'A + B'");
  EXPECT_EQ(evaluate("min(A)"), "expects ',' at character 6 of 'min(A)'");
  EXPECT_EQ(evaluate("min(A, 2, 3)"),
            "expects ')' at character 9 of 'min(A, 2, 3)'");
  EXPECT_EQ(evaluate("mod(A, 2)"),
            "expects ceildiv, min or max at character 1 of 'mod(A, 2)'");
  EXPECT_EQ(evaluate("9223372036854775808"),
            "expects a number below 2^63 at character 19 of "
            "'9223372036854775808'");
  EXPECT_EQ(evaluate("A % 2"),
            "expects an operator or the end at character 3 of 'A % 2'");
}

// What is too long or too deep is refused, not a crash.
TEST(Expression, Limits) {
  std::string sum = "1", deep(5000, '('), minus(5000, '-');
  for (int i = 0; i < 5000; ++i)
    sum += " + 1";
  EXPECT_NE(evaluate(sum).find("expects a shorter expression"),
            std::string::npos);
  EXPECT_NE(evaluate(deep).find("expects fewer parentheses"),
            std::string::npos);
  EXPECT_NE(evaluate(minus + "1").find("expects fewer parentheses"),
            std::string::npos);
}

TEST(Expression, Unknowns) {
  unsigned char known[] = {1, 0, 0};
  EXPECT_EQ(deltanet_find_unknown(Parsed("A + 3").expression, known), -1);
  EXPECT_EQ(deltanet_find_unknown(Parsed("A * B2 + B2").expression, known), 1);
  EXPECT_EQ(deltanet_find_unknown(Parsed("B2 + _c").expression, known), -2);
}
