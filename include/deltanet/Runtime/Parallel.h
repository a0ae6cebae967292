/*===- Parallel.h - units of work side by side -------------------*- C -*-===*/
/* What generated code needs at run time: a pool of threads and scratch memory
 */
/* for each. Plain C, without LLVM. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_RUNTIME_PARALLEL_H
#define DELTANET_RUNTIME_PARALLEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls body(context, i, scratch) once for every i of 0 .. count - 1, on
 * several threads, in no order, and returns when all have returned. scratch is
 * the thread's own: scratchBytes of memory aligned to 64 bytes, with any
 * contents.
 *
 * May be called from several threads at once, and from a body. A call that
 * finds the pool taken does all its work itself. */
void deltanet_parallel_for(int64_t count, int64_t scratchBytes,
                           void (*body)(void *context, int64_t index,
                                        void *scratch),
                           void *context);

/* Where a call of this thread goes that finds no scratch memory: NULL, and the
 * process ends with a message; else it is a jmp_buf, to which it jumps. */
extern __thread void *deltanet_no_memory;

/* Threads that work on a call, the caller among them: DELTANET_NUM_THREADS of
 * the environment when it is first asked for, else the processors this process
 * may run on. */
int32_t deltanet_num_threads(void);

/* Changes that number; 0 goes back to the default. Not while a call is running.
 */
void deltanet_set_num_threads(int32_t threads);

#ifdef __cplusplus
}
#endif

#endif /* DELTANET_RUNTIME_PARALLEL_H */
