/*===- ParallelFor.c - units of work side by side
 * --------------------------===*/
/* A pool of threads that sleep between calls. Which thread runs which unit does
 */
/* not show in the results: units share nothing. */
/*===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "deltanet/Runtime/Parallel.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { kMaxThreads = 1024, kAlignment = 64 };

typedef void (*Body)(void *context, int64_t index, void *scratch);

/* One call. Lives in `pool` because workers may look at it late. */
typedef struct {
  int64_t count, scratchBytes;
  Body body;
  void *context;
  atomic_llong next;
} Job;

static struct {
  /* Held by the caller whose job the pool works on. */
  pthread_mutex_t taken;
  /* Guards all that follows. */
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  pthread_t workers[kMaxThreads];
  int numWorkers;
  /* Worker i takes part in jobs while i < wanted. */
  int wanted;
  int working;
  uint64_t generation;
  int stop;
  Job job;
} pool = {.taken = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static atomic_int chosenThreads;

/*===----------------------------------------------------------------------===*/
/* Scratch memory                                                             */
/*===----------------------------------------------------------------------===*/

typedef struct {
  void *memory;
  int64_t bytes;
  int inUse;
} Scratch;

static pthread_key_t scratchKey;
static pthread_once_t scratchOnce = PTHREAD_ONCE_INIT;

static void freeScratch(void *value) {
  Scratch *scratch = value;
  free(scratch->memory);
  free(scratch);
}

static void makeScratchKey(void) {
  if (pthread_key_create(&scratchKey, freeScratch) != 0)
    abort();
}

static void *allocateAligned(int64_t bytes) {
  void *memory = NULL;
  size_t size = ((size_t)bytes + kAlignment - 1) / kAlignment * kAlignment;
  return posix_memalign(&memory, kAlignment, size ? size : kAlignment) == 0
             ? memory
             : NULL;
}

/* This thread's scratch memory of at least `bytes`; NULL when there is none. */
static Scratch *takeScratch(int64_t bytes) {
  pthread_once(&scratchOnce, makeScratchKey);
  Scratch *scratch = pthread_getspecific(scratchKey);
  if (!scratch || scratch->inUse) {
    /* The first of this thread, or one for a call from within a body. */
    int nested = scratch != NULL;
    scratch = calloc(1, sizeof(Scratch));
    if (!scratch)
      return NULL;
    scratch->inUse = nested ? 2 : 0;
    if (!nested && pthread_setspecific(scratchKey, scratch) != 0) {
      free(scratch);
      return NULL;
    }
  }
  if (scratch->bytes < bytes || !scratch->memory) {
    free(scratch->memory);
    scratch->memory = allocateAligned(bytes);
    scratch->bytes = scratch->memory ? bytes : 0;
  }
  if (!scratch->memory) {
    if (scratch->inUse == 2)
      free(scratch);
    return NULL;
  }
  if (scratch->inUse == 0)
    scratch->inUse = 1;
  return scratch;
}

static void releaseScratch(Scratch *scratch) {
  if (scratch->inUse == 2)
    freeScratch(scratch);
  else
    scratch->inUse = 0;
}

/*===----------------------------------------------------------------------===*/
/* Threads                                                                    */
/*===----------------------------------------------------------------------===*/

static int defaultThreads(void) {
  const char *text = getenv("DELTANET_NUM_THREADS");
  if (text) {
    char *end;
    long threads = strtol(text, &end, 10);
    if (end != text && *end == 0 && threads > 0)
      return threads < kMaxThreads ? (int)threads : kMaxThreads;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef CPU_COUNT
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    online = CPU_COUNT(&allowed);
#endif
  return online < 1 ? 1 : online < kMaxThreads ? (int)online : kMaxThreads;
}

int32_t deltanet_num_threads(void) {
  int threads = atomic_load(&chosenThreads);
  if (threads == 0) {
    threads = defaultThreads();
    int none = 0;
    if (!atomic_compare_exchange_strong(&chosenThreads, &none, threads))
      threads = none;
  }
  return threads;
}

void deltanet_set_num_threads(int32_t threads) {
  atomic_store(&chosenThreads, threads <= 0            ? 0
                               : threads < kMaxThreads ? threads
                                                       : kMaxThreads);
}

static void runUnits(Job *job, void *scratch) {
  for (;;) {
    long long index =
        atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (index >= job->count)
      return;
    job->body(job->context, index, scratch);
  }
}

static void *work(void *argument) {
  int self = (int)(intptr_t)argument;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool.lock);
  while (!pool.stop) {
    if (pool.generation == seen || self >= pool.wanted) {
      seen = pool.generation;
      pthread_cond_wait(&pool.wake, &pool.lock);
      continue;
    }
    seen = pool.generation;
    ++pool.working;
    pthread_mutex_unlock(&pool.lock);
    /* Without memory this thread leaves the units to others. */
    Scratch *scratch = takeScratch(pool.job.scratchBytes);
    if (scratch) {
      runUnits(&pool.job, scratch->memory);
      releaseScratch(scratch);
    }
    pthread_mutex_lock(&pool.lock);
    if (--pool.working == 0)
      pthread_cond_signal(&pool.done);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

/* In the child of a fork there are no workers, and nobody holds a lock. */
static void forgetWorkers(void) {
  pool.numWorkers = pool.working = pool.wanted = 0;
  pthread_mutex_init(&pool.taken, NULL);
  pthread_mutex_init(&pool.lock, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pthread_cond_init(&pool.done, NULL);
}

/* Starts workers until there are `wanted`, or as many as the system gives. */
static void startWorkers(int wanted) {
  static int forkHandled;
  if (!forkHandled) {
    forkHandled = 1;
    pthread_atfork(NULL, NULL, forgetWorkers);
  }
  while (pool.numWorkers < wanted) {
    void *self = (void *)(intptr_t)pool.numWorkers;
    if (pthread_create(&pool.workers[pool.numWorkers], NULL, work, self) != 0)
      return;
    ++pool.numWorkers;
  }
}

__attribute__((destructor)) static void stopWorkers(void) {
  pthread_mutex_lock(&pool.lock);
  pool.stop = 1;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < pool.numWorkers; ++i)
    pthread_join(pool.workers[i], NULL);
  pool.numWorkers = 0;
  pthread_once(&scratchOnce, makeScratchKey);
  Scratch *scratch = pthread_getspecific(scratchKey);
  if (scratch) {
    pthread_setspecific(scratchKey, NULL);
    freeScratch(scratch);
  }
  /* Threads of others that end later must not call what is unloaded. */
  pthread_key_delete(scratchKey);
}

void deltanet_parallel_for(int64_t count, int64_t scratchBytes, Body body,
                           void *context) {
  if (count <= 0)
    return;
  Scratch *scratch = takeScratch(scratchBytes);
  if (!scratch) {
    fprintf(stderr, "deltanet: no memory for %lld bytes of scratch\n",
            (long long)scratchBytes);
    abort();
  }
  int64_t threads = deltanet_num_threads();
  if (threads > count)
    threads = count;
  if (threads == 1 || pthread_mutex_trylock(&pool.taken) != 0) {
    for (int64_t i = 0; i < count; ++i)
      body(context, i, scratch->memory);
    releaseScratch(scratch);
    return;
  }
  pthread_mutex_lock(&pool.lock);
  pool.job.count = count;
  pool.job.scratchBytes = scratchBytes;
  pool.job.body = body;
  pool.job.context = context;
  atomic_store(&pool.job.next, 0);
  pool.wanted = (int)threads - 1;
  ++pool.generation;
  startWorkers((int)threads - 1);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);

  runUnits(&pool.job, scratch->memory);

  /* Workers that have not begun by now find nothing left; those that have are
   * waited for, because the context is the caller's. */
  pthread_mutex_lock(&pool.lock);
  pool.wanted = 0;
  while (pool.working != 0)
    pthread_cond_wait(&pool.done, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
  pthread_mutex_unlock(&pool.taken);
  releaseScratch(scratch);
}
