/*===- Arena.h - memory that is freed at once ----------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_ARENA_H
#define DELTANET_LIB_RUNTIME_ARENA_H

#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;
typedef struct {
  ArenaBlock *blocks;
} Arena;

/* Zeroed memory for `count` things of `bytes` each; NULL where there is none.
 */
void *deltanet_arena_allocate(Arena *arena, size_t count, size_t bytes);
void deltanet_arena_free(Arena *arena);

#endif /* DELTANET_LIB_RUNTIME_ARENA_H */
