/*===- Expression.h - sizes in terms of others ---------------------*- C
 * -*-===*/
/* Shapes, grids and workspaces are texts over names of sizes: integers, names,
 * + - *, / (rounded down), ceildiv(a, b), min(a, b), max(a, b), parentheses.
 * Parsed once, evaluated for every call without allocating. C99. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_RUNTIME_EXPRESSION_H
#define DELTANET_RUNTIME_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct deltanet_expression deltanet_expression;

/* The number of the size called `name` (not ended by a zero), or -1. */
typedef int (*deltanet_lookup)(void *context, const char *name, size_t length);

/* NULL, and a sentence in `error`, where `text` is not an expression or names a
 * size that there is not. */
deltanet_expression *deltanet_parse(const char *text, deltanet_lookup lookup,
                                    void *context, char *error,
                                    size_t errorBytes);
void deltanet_free_expression(deltanet_expression *expression);

/* NULL, or what is wrong: an overflow, a division by zero. */
const char *deltanet_evaluate(const deltanet_expression *expression,
                              const int64_t *values, int64_t *result);

/* The number of the only size among those not `known` that the expression
 * names; -1 where it names none, -2 where it names several. */
int deltanet_find_unknown(const deltanet_expression *expression,
                          const unsigned char *known);

#ifdef __cplusplus
}
#endif

#endif /* DELTANET_RUNTIME_EXPRESSION_H */
