/*===- Json.c - reads JSON ------------------------------------------------===*/
/* See Json.h and Arena.h. */
/*===----------------------------------------------------------------------===*/
#include "Json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxDepth = 64 };

struct ArenaBlock {
  ArenaBlock *next;
  double aligned[];
};

void *deltanet_arena_allocate(Arena *arena, size_t count, size_t bytes) {
  size_t total;
  if (__builtin_mul_overflow(count, bytes, &total) ||
      total > SIZE_MAX - sizeof(ArenaBlock))
    return NULL;
  ArenaBlock *block = calloc(1, sizeof *block + (total ? total : 1));
  if (!block)
    return NULL;
  block->next = arena->blocks;
  arena->blocks = block;
  return block->aligned;
}

void deltanet_arena_free(Arena *arena) {
  while (arena->blocks) {
    ArenaBlock *next = arena->blocks->next;
    free(arena->blocks);
    arena->blocks = next;
  }
}

typedef struct {
  Arena *arena;
  const char *text, *at;
  char *error;
  size_t errorBytes;
  int depth;
} Reader;

static Json *readValue(Reader *reader);

static void *fail(Reader *reader, const char *expected) {
  snprintf(reader->error, reader->errorBytes, "expects %s at character %ld",
           expected, (long)(reader->at - reader->text) + 1);
  return NULL;
}

static char peek(Reader *reader) {
  while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' ||
         *reader->at == '\r')
    ++reader->at;
  return *reader->at;
}

static int take(Reader *reader, char c) {
  if (peek(reader) != c)
    return 0;
  ++reader->at;
  return 1;
}

/* Writes a code point below 0x10000 as UTF-8. */
static char *writePoint(char *to, unsigned long point) {
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xc0 | point >> 6);
    *to++ = (char)(0x80 | (point & 0x3f));
  } else {
    *to++ = (char)(0xe0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  }
  return to;
}

/* The character after a backslash; NULL where there is no such escape. */
static char *readEscape(Reader *reader, char *to) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  char c = *reader->at;
  const char *known = c ? strchr(names, c) : NULL;
  if (known) {
    ++reader->at;
    *to++ = values[known - names];
    return to;
  }
  char digits[5] = {0};
  if (c == 'u')
    memcpy(digits, reader->at + 1, strnlen(reader->at + 1, 4));
  if (strspn(digits, "0123456789abcdefABCDEF") != 4)
    return fail(reader, "an escape");
  reader->at += 5;
  return writePoint(to, strtoul(digits, NULL, 16));
}

static const char *readText(Reader *reader) {
  if (!take(reader, '"'))
    return fail(reader, "a text");
  /* No longer than what is written. */
  size_t length = 0;
  while (reader->at[length] && reader->at[length] != '"')
    length += reader->at[length] == '\\' && reader->at[length + 1] ? 2 : 1;
  char *text = deltanet_arena_allocate(reader->arena, length + 1, 1);
  if (!text)
    return fail(reader, "memory");
  for (char *to = text; *reader->at != '"';) {
    if (!*reader->at)
      return fail(reader, "the end of a text");
    char c = *reader->at++;
    if (c != '\\')
      *to++ = c;
    else if (!(to = readEscape(reader, to)))
      return NULL;
  }
  ++reader->at;
  return text;
}

static Json *readNumber(Reader *reader, Json *value) {
  size_t length = strspn(reader->at, "+-.0123456789eE");
  size_t whole = strspn(reader->at, "-0123456789");
  char *text = deltanet_arena_allocate(reader->arena, length + 1, 1), *end;
  if (!length || !text)
    return fail(reader, "a value");
  memcpy(text, reader->at, length);
  errno = 0;
  value->text = text;
  value->kind = length == whole ? kJsonInteger : kJsonReal;
  if (value->kind == kJsonInteger)
    value->integer = strtoll(text, &end, 10);
  else
    (void)strtod(text, &end);
  if (*end || (errno && value->kind == kJsonInteger))
    return fail(reader, "a number");
  reader->at += length;
  return value;
}

static Json *readSequence(Reader *reader, Json *value, char end) {
  Json **tail = &value->first;
  value->kind = end == '}' ? kJsonObject : kJsonList;
  if (++reader->depth > kMaxDepth)
    return fail(reader, "fewer levels");
  if (take(reader, end)) {
    --reader->depth;
    return value;
  }
  for (;;) {
    const char *name = NULL;
    if (end == '}') {
      name = readText(reader);
      if (!name)
        return NULL;
      if (!take(reader, ':'))
        return fail(reader, "':'");
    }
    Json *entry = readValue(reader);
    if (!entry)
      return NULL;
    entry->name = name;
    *tail = entry;
    tail = &entry->next;
    ++value->count;
    if (take(reader, end)) {
      --reader->depth;
      return value;
    }
    if (!take(reader, ','))
      return fail(reader, "',' or an end");
  }
}

static Json *readValue(Reader *reader) {
  static const struct {
    const char *text;
    JsonKind kind;
    int64_t value;
  } words[] = {
      {"null", kJsonNull, 0}, {"true", kJsonBool, 1}, {"false", kJsonBool, 0}};
  Json *value = deltanet_arena_allocate(reader->arena, 1, sizeof *value);
  if (!value)
    return fail(reader, "memory");
  char c = peek(reader);
  if (c == '{' || c == '[') {
    ++reader->at;
    return readSequence(reader, value, c == '{' ? '}' : ']');
  }
  if (c == '"') {
    value->kind = kJsonText;
    value->text = readText(reader);
    return value->text ? value : NULL;
  }
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    size_t length = strlen(words[i].text);
    if (strncmp(reader->at, words[i].text, length) == 0) {
      reader->at += length;
      value->kind = words[i].kind;
      value->integer = words[i].value;
      return value;
    }
  }
  return readNumber(reader, value);
}

const Json *deltanet_read_json(Arena *arena, const char *text, char *error,
                               size_t errorBytes) {
  Reader reader = {arena, text, text, error, errorBytes, 0};
  const Json *value = readValue(&reader);
  if (value && peek(&reader))
    return fail(&reader, "the end");
  return value;
}

const Json *deltanet_json_get(const Json *object, const char *name) {
  if (!object || object->kind != kJsonObject)
    return NULL;
  for (const Json *entry = object->first; entry; entry = entry->next)
    if (strcmp(entry->name, name) == 0)
      return entry;
  return NULL;
}
