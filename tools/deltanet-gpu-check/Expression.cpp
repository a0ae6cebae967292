//===- Expression.cpp - numbers that follow from sizes --------------------===//
// See Expression.h. Recursive descent; every overflow is refused.
//===----------------------------------------------------------------------===//
#include "Expression.h"
#include <algorithm>
#include <limits>
#include <stdexcept>

using namespace deltanet::gpu;

namespace {
class Evaluator {
public:
  Evaluator(const std::string &text, const Sizes &sizes)
      : text(text), sizes(sizes) {}

  int64_t run() {
    int64_t value = sum(0);
    if (peek() != '\0')
      fail("an operator or the end");
    return value;
  }

private:
  static constexpr int kMaximumDepth = 64;

  int64_t sum(int depth) {
    if (depth > kMaximumDepth)
      fail("at most 64 parentheses");
    int64_t value = product(depth);
    for (char c = peek(); c == '+' || c == '-'; c = peek()) {
      ++at;
      int64_t other = product(depth);
      if (c == '+' ? __builtin_add_overflow(value, other, &value)
                   : __builtin_sub_overflow(value, other, &value))
        fail("a sum of 64 bits");
    }
    return value;
  }

  int64_t product(int depth) {
    int64_t value = factor(depth);
    for (char c = peek(); c == '*' || c == '/'; c = peek()) {
      ++at;
      int64_t other = factor(depth);
      if (c == '/')
        value = floorDivide(value, other);
      else if (__builtin_mul_overflow(value, other, &value))
        fail("a product of 64 bits");
    }
    return value;
  }

  int64_t factor(int depth) {
    char c = peek();
    if (c == '(') {
      ++at;
      int64_t value = sum(depth + 1);
      expect(')');
      return value;
    }
    if (c == '-') {
      ++at;
      return -factor(depth);
    }
    std::string word;
    while (at < text.size() &&
           (isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_'))
      word += text[at++];
    if (word.empty())
      fail("a number or a name");
    if (isdigit(static_cast<unsigned char>(word[0])))
      return number(word);
    if (peek() == '(')
      return call(word, depth);
    auto it = sizes.find(word);
    if (it == sizes.end())
      throw std::runtime_error("expects a size for '" + word + "' in '" + text +
                               "'");
    return it->second;
  }

  int64_t number(const std::string &word) {
    if (word.size() > 18 ||
        word.find_first_not_of("0123456789") != std::string::npos)
      fail("a number of at most 18 digits");
    return std::stoll(word);
  }

  int64_t call(const std::string &name, int depth) {
    expect('(');
    int64_t a = sum(depth + 1);
    expect(',');
    int64_t b = sum(depth + 1);
    expect(')');
    if (name == "min")
      return std::min(a, b);
    if (name == "max")
      return std::max(a, b);
    if (name == "ceildiv")
      return -floorDivide(-a, b);
    throw std::runtime_error("expects ceildiv, min or max, got '" + name +
                             "' in '" + text + "'");
  }

  int64_t floorDivide(int64_t a, int64_t b) {
    if (b <= 0)
      fail("a divisor above zero before it");
    return a / b - (a % b < 0);
  }

  char peek() {
    while (at < text.size() && text[at] == ' ')
      ++at;
    return at < text.size() ? text[at] : '\0';
  }
  void expect(char c) {
    if (peek() != c)
      fail(std::string("'") + c + "'");
    ++at;
  }
  [[noreturn]] void fail(const std::string &what) {
    throw std::runtime_error("expects " + what + " at " + std::to_string(at) +
                             " of '" + text + "'");
  }

  const std::string &text;
  const Sizes &sizes;
  size_t at = 0;
};
} // namespace

int64_t deltanet::gpu::evaluate(const std::string &text, const Sizes &sizes) {
  return Evaluator(text, sizes).run();
}
