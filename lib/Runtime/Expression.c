/*===- Expression.c - sizes in terms of others ----------------------------===*/
/* Recursive descent to a postfix program; checked 64-bit arithmetic. */
/*===----------------------------------------------------------------------===*/
#include "deltanet/Runtime/Expression.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps of a program, values on its stack, parentheses within parentheses. */
enum { kMaxSteps = 256, kMaxStack = 32, kMaxNesting = 32 };

typedef enum {
  kNumber,
  kSize,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kCeilDivide,
  kMinimum,
  kMaximum
} Kind;

typedef struct {
  Kind kind;
  int64_t value; /* the number, or which size */
} Step;

struct deltanet_expression {
  int count;
  Step steps[];
};

typedef struct {
  const char *text, *at;
  deltanet_lookup lookup;
  void *context;
  char *error;
  size_t errorBytes;
  int failed, nesting, stack, count;
  Step steps[kMaxSteps];
} Parser;

static void parseSum(Parser *parser);

static void fail(Parser *parser, const char *expected) {
  if (parser->failed)
    return;
  parser->failed = 1;
  snprintf(parser->error, parser->errorBytes,
           "expects %s at character %d of '%s'", expected,
           (int)(parser->at - parser->text) + 1, parser->text);
}

static void push(Parser *parser, Kind kind, int64_t value) {
  parser->stack += kind == kNumber || kind == kSize ? 1 : -1;
  if (parser->count == kMaxSteps || parser->stack > kMaxStack) {
    fail(parser, "a shorter expression");
    return;
  }
  parser->steps[parser->count].kind = kind;
  parser->steps[parser->count++].value = value;
}

static void skipSpace(Parser *parser) {
  while (*parser->at == ' ')
    ++parser->at;
}

static int take(Parser *parser, char c) {
  skipSpace(parser);
  if (*parser->at != c)
    return 0;
  ++parser->at;
  return 1;
}

static int isDigit(char c) { return c >= '0' && c <= '9'; }
static int isName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void parseNumber(Parser *parser) {
  int64_t value = 0;
  for (; isDigit(*parser->at); ++parser->at)
    if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
        __builtin_add_overflow(value, (int64_t)(*parser->at - '0'), &value)) {
      fail(parser, "a number below 2^63");
      return;
    }
  push(parser, kNumber, value);
}

static void parseCall(Parser *parser, Kind kind) {
  parseSum(parser);
  if (!parser->failed && !take(parser, ','))
    fail(parser, "','");
  if (!parser->failed)
    parseSum(parser);
  if (!parser->failed && !take(parser, ')'))
    fail(parser, "')'");
  if (!parser->failed)
    push(parser, kind, 0);
}

static void parseName(Parser *parser) {
  static const struct {
    const char *name;
    Kind kind;
  } functions[] = {
      {"ceildiv", kCeilDivide}, {"min", kMinimum}, {"max", kMaximum}};
  const char *begin = parser->at;
  while (isName(*parser->at) || isDigit(*parser->at))
    ++parser->at;
  size_t length = (size_t)(parser->at - begin);
  if (take(parser, '(')) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i)
      if (strlen(functions[i].name) == length &&
          strncmp(functions[i].name, begin, length) == 0) {
        parseCall(parser, functions[i].kind);
        return;
      }
    parser->at = begin;
    fail(parser, "ceildiv, min or max");
    return;
  }
  int size = parser->lookup(parser->context, begin, length);
  if (size < 0) {
    parser->at = begin;
    fail(parser, "the name of a size");
    return;
  }
  push(parser, kSize, size);
}

static void parseAtom(Parser *parser) {
  skipSpace(parser);
  if (++parser->nesting > kMaxNesting) {
    fail(parser, "fewer parentheses");
  } else if (isDigit(*parser->at)) {
    parseNumber(parser);
  } else if (isName(*parser->at)) {
    parseName(parser);
  } else if (take(parser, '-')) {
    push(parser, kNumber, 0);
    parseAtom(parser);
    if (!parser->failed)
      push(parser, kSubtract, 0);
  } else if (take(parser, '(')) {
    parseSum(parser);
    if (!parser->failed && !take(parser, ')'))
      fail(parser, "')'");
  } else {
    fail(parser, "a number, a name or '('");
  }
  --parser->nesting;
}

static void parseProduct(Parser *parser) {
  parseAtom(parser);
  while (!parser->failed) {
    Kind kind;
    if (take(parser, '*'))
      kind = kMultiply;
    else if (take(parser, '/'))
      kind = kDivide;
    else
      return;
    parseAtom(parser);
    if (!parser->failed)
      push(parser, kind, 0);
  }
}

static void parseSum(Parser *parser) {
  parseProduct(parser);
  while (!parser->failed) {
    Kind kind;
    if (take(parser, '+'))
      kind = kAdd;
    else if (take(parser, '-'))
      kind = kSubtract;
    else
      return;
    parseProduct(parser);
    if (!parser->failed)
      push(parser, kind, 0);
  }
}

deltanet_expression *deltanet_parse(const char *text, deltanet_lookup lookup,
                                    void *context, char *error,
                                    size_t errorBytes) {
  Parser parser;
  memset(&parser, 0, offsetof(Parser, steps));
  parser.text = parser.at = text;
  parser.lookup = lookup;
  parser.context = context;
  parser.error = error;
  parser.errorBytes = errorBytes;
  parseSum(&parser);
  skipSpace(&parser);
  if (!parser.failed && *parser.at)
    fail(&parser, "an operator or the end");
  if (parser.failed)
    return NULL;
  size_t bytes = (size_t)parser.count * sizeof(Step);
  deltanet_expression *expression = malloc(sizeof *expression + bytes);
  if (!expression) {
    snprintf(error, errorBytes, "no memory for an expression");
    return NULL;
  }
  expression->count = parser.count;
  memcpy(expression->steps, parser.steps, bytes);
  return expression;
}

void deltanet_free_expression(deltanet_expression *expression) {
  free(expression);
}

/* a / b, rounded down (`up` is 0) or up. */
static const char *divide(int64_t a, int64_t b, int up, int64_t *result) {
  if (b == 0)
    return "a division by zero";
  if (a == INT64_MIN && b == -1)
    return "an overflow";
  int64_t quotient = a / b, rest = a % b;
  if (rest != 0 && (up ? (rest < 0) == (b < 0) : (rest < 0) != (b < 0)))
    quotient += up ? 1 : -1;
  *result = quotient;
  return NULL;
}

static const char *apply(Kind kind, int64_t a, int64_t b, int64_t *result) {
  int overflow = 0;
  switch (kind) {
  case kAdd:
    overflow = __builtin_add_overflow(a, b, result);
    break;
  case kSubtract:
    overflow = __builtin_sub_overflow(a, b, result);
    break;
  case kMultiply:
    overflow = __builtin_mul_overflow(a, b, result);
    break;
  case kDivide:
    return divide(a, b, 0, result);
  case kCeilDivide:
    return divide(a, b, 1, result);
  case kMinimum:
    *result = a < b ? a : b;
    break;
  case kMaximum:
    *result = a > b ? a : b;
    break;
  case kNumber:
  case kSize:
    break;
  }
  return overflow ? "an overflow" : NULL;
}

const char *deltanet_evaluate(const deltanet_expression *expression,
                              const int64_t *values, int64_t *result) {
  int64_t stack[kMaxStack];
  int top = 0;
  for (int i = 0; i < expression->count; ++i) {
    const Step *step = &expression->steps[i];
    if (step->kind == kNumber) {
      stack[top++] = step->value;
    } else if (step->kind == kSize) {
      stack[top++] = values[step->value];
    } else {
      --top;
      const char *wrong =
          apply(step->kind, stack[top - 1], stack[top], &stack[top - 1]);
      if (wrong)
        return wrong;
    }
  }
  *result = stack[0];
  return NULL;
}

int deltanet_find_unknown(const deltanet_expression *expression,
                          const unsigned char *known) {
  int unknown = -1;
  for (int i = 0; i < expression->count; ++i) {
    const Step *step = &expression->steps[i];
    if (step->kind != kSize || known[step->value] || step->value == unknown)
      continue;
    if (unknown >= 0)
      return -2;
    unknown = (int)step->value;
  }
  return unknown;
}
