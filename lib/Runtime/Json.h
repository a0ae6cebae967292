/*===- Json.h - reads JSON -----------------------------------------*- C
 * -*-===*/
/* As much of it as a manifest has: all of RFC 8259 but that numbers are kept as
 * integers where they are whole, and characters beyond \uFFFF stay escaped. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_LIB_RUNTIME_JSON_H
#define DELTANET_LIB_RUNTIME_JSON_H

#include "Arena.h"
#include <stdint.h>

typedef enum {
  kJsonNull,
  kJsonBool,
  kJsonInteger,
  kJsonReal,
  kJsonText,
  kJsonList,
  kJsonObject
} JsonKind;

/* A value; in a list or an object the next one follows, in an object with its
 * name. */
typedef struct Json Json;
struct Json {
  JsonKind kind;
  int64_t integer;  /* of an integer; 1 for true */
  const char *text; /* of a text or a real number, as written */
  const char *name; /* in an object */
  Json *first, *next;
  int count; /* of a list or an object */
};

/* NULL, and a sentence in `error`, where `text` is not JSON. */
const Json *deltanet_read_json(Arena *arena, const char *text, char *error,
                               size_t errorBytes);
/* The entry of an object; NULL where there is none. */
const Json *deltanet_json_get(const Json *object, const char *name);

#endif /* DELTANET_LIB_RUNTIME_JSON_H */
