/* unload.c LIBRARY: opens a package of docs/walk/embed.mlir, calls it from several
 * threads that outlive it, closes it, and again. */
#include "embed.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

enum { kThreads = 4, kRounds = 20 };

static __typeof__(&delta_run) run;
static pthread_barrier_t called, closed;
static int failures;

static DLTensor tensor(float *data, int ndim, int64_t *shape) {
  DLTensor t = {data, {1, 0}, ndim, {2, 32, 1}, shape, NULL, 0};
  return t;
}

static void *work(void *unused) {
  static int64_t qk[] = {1, 9, 4, 32}, vo[] = {1, 9, 4, 16}, bt[] = {1, 9, 4},
                 st[] = {1, 4, 32, 16};
  _Alignas(16) static __thread float data[7][4 * 32 * 16];
  DLTensor t[] = {tensor(data[0], 4, qk), tensor(data[1], 4, qk),
                  tensor(data[2], 4, vo), tensor(data[3], 3, bt),
                  tensor(data[4], 4, st), tensor(data[5], 4, vo),
                  tensor(data[6], 4, st)};
  if (run(NULL, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6]))
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
  pthread_barrier_wait(&called);
  /* Ends when the library is gone. */
  pthread_barrier_wait(&closed);
  return unused;
}

int main(int argc, char **argv) {
  pthread_barrier_init(&called, NULL, kThreads + 1);
  pthread_barrier_init(&closed, NULL, kThreads + 1);
  for (int round = 0; round < kRounds && argc == 2; ++round) {
    pthread_t threads[kThreads];
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return printf("%s\n", dlerror()), 1;
    *(void **)&run = dlsym(library, "delta_run");
    for (int i = 0; i < kThreads; ++i)
      pthread_create(&threads[i], NULL, work, NULL);
    pthread_barrier_wait(&called);
    if (dlclose(library))
      return 1;
    pthread_barrier_wait(&closed);
    for (int i = 0; i < kThreads; ++i)
      pthread_join(threads[i], NULL);
  }
  printf("%d rounds, %d failures, %s\n", kRounds, failures,
         dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) ? "still there" : "gone");
  return failures != 0;
}
