/*===- FakeCuda.c - a driver that records and executes nothing ------------===*/
/* Stands in for libcuda.so.1 (DELTANET_LIBCUDA), so that everything but the GPU
 * is tested. Memory is the host's, copies copy, kernels do nothing. What is
 * called is in fake_cuda_log() and, where FAKE_CUDA_LOG names a file, there.
 * The environment says what the device is like, anew at every call:
 *
 *   FAKE_CUDA_DEVICES=1          how many there are
 *   FAKE_CUDA_CAPABILITY=90      of device 0; FAKE_CUDA_CAPABILITY_1 of device
 * 1 FAKE_CUDA_SHARED=232448      bytes of shared memory a block
 *   FAKE_CUDA_FAIL=cuInit:999    calls that fail, and how; several with commas
 *   FAKE_CUDA_PARAMETERS=4       64-bit parameters of a launch that are
 * recorded FAKE_CUDA_WRITE=1            a launch writes zeros into the last of
 * them
 *
 * Compiled with FAKE_CUDA_OLD it lacks what came with CUDA 12. */
/*===----------------------------------------------------------------------===*/
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Pointer;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *text;
static size_t length, capacity;

static void record(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&lock);
  if (length + (size_t)count + 2 > capacity) {
    capacity = 2 * (length + (size_t)count + 2);
    text = realloc(text, capacity);
  }
  memcpy(text + length, line, (size_t)count);
  length += (size_t)count;
  text[length++] = '\n';
  text[length] = 0;
  const char *path = getenv("FAKE_CUDA_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%s\n", line);
    fclose(file);
  }
  pthread_mutex_unlock(&lock);
}

const char *fake_cuda_log(void) { return text ? text : ""; }
void fake_cuda_reset(void) {
  length = 0;
  if (text)
    text[0] = 0;
}

static int setting(const char *name, int otherwise) {
  const char *value = getenv(name);
  return value ? atoi(value) : otherwise;
}

/* The error that `name` is to return. */
static int fails(const char *name) {
  const char *at = getenv("FAKE_CUDA_FAIL");
  size_t size = strlen(name);
  for (; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strncmp(at, name, size) == 0 && at[size] == ':')
      return atoi(at + size + 1);
  return 0;
}
#define CALL(name)                                                             \
  do {                                                                         \
    int code = fails(#name);                                                   \
    if (code) {                                                                \
      record(#name " fails with %d", code);                                    \
      return code;                                                             \
    }                                                                          \
  } while (0)

/*===----------------------------------------------------------------------===*/
/* Devices and contexts: context i + 1 is device i's                          */
/*===----------------------------------------------------------------------===*/

static char contexts[16];
static __thread void *stack[16];
static __thread int depth;

int cuInit(unsigned flags) {
  (void)flags;
  CALL(cuInit);
  return 0;
}
int cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = setting("FAKE_CUDA_DEVICES", 1);
  return 0;
}
int cuDeviceGet(int *device, int number) {
  CALL(cuDeviceGet);
  *device = number;
  return 0;
}
int cuDeviceGetName(char *name, int bytes, int device) {
  snprintf(name, (size_t)bytes, "Fake GPU %d", device);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  char name[32];
  snprintf(name, sizeof name, "FAKE_CUDA_CAPABILITY_%d", device);
  int capability = setting(name, setting("FAKE_CUDA_CAPABILITY", 90));
  *value = attribute == 75   ? capability / 10
           : attribute == 76 ? capability % 10
           : attribute == 97 ? setting("FAKE_CUDA_SHARED", 232448)
           : attribute == 38 ? 1 << 20
           : attribute == 36 ? 1000000
           : attribute == 37 ? 4096
           : attribute == 16 ? 132
                             : 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  CALL(cuDevicePrimaryCtxRetain);
  *context = &contexts[device];
  record("retain %d", device);
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
  record("release %d", device);
  return 0;
}
int cuCtxGetCurrent(void **context) {
  *context = depth ? stack[depth - 1] : NULL;
  return 0;
}
int cuCtxSetCurrent(void *context) {
  depth = 0;
  if (context)
    stack[depth++] = context;
  return 0;
}
int cuCtxGetDevice(int *device) {
  if (!depth)
    return 201;
  *device = (int)((char *)stack[depth - 1] - contexts) % 8;
  return 0;
}
int cuCtxPushCurrent_v2(void *context) {
  CALL(cuCtxPushCurrent_v2);
  stack[depth++] = context;
  return 0;
}
int cuCtxPopCurrent_v2(void **context) {
  if (!depth)
    return 201;
  *context = stack[--depth];
  return 0;
}
/* A context of the device that is not its primary one. */
void *fake_cuda_other_context(int device) { return &contexts[8 + device]; }
int fake_cuda_depth(void) { return depth; }
int cuCtxSynchronize(void) {
  CALL(cuCtxSynchronize);
  record("synchronize");
  return 0;
}
int cuGetErrorString(int code, const char **name) {
  *name = code == 700   ? "an illegal memory access was encountered"
          : code == 209 ? "no kernel image is available"
          : code == 100 ? "no CUDA-capable device is detected"
          : code == 2   ? "out of memory"
                        : NULL;
  return *name ? 0 : 1;
}

/*===----------------------------------------------------------------------===*/
/* Code                                                                       */
/*===----------------------------------------------------------------------===*/

typedef struct Kernel Kernel;
struct Kernel {
  char name[128];
  int isFunction;
  Kernel *next;
};
static Kernel *kernels; /* all there ever were */

static const char *kindOf(const void *code) {
  return memcmp(code, "\177ELF", 4) == 0 ? "cubin" : "ptx";
}
static int load(void **result, const void *code, const char *call) {
  const char *kind = kindOf(code);
  char name[64];
  snprintf(name, sizeof name, "%s.%s", call, kind);
  int error = fails(name);
  record("%s %s%s", call, kind, error ? " fails" : "");
  if (!error)
    *result = calloc(1, 1);
  return error;
}
static int getKernel(void **result, const char *name, int isFunction) {
  Kernel *kernel = calloc(1, sizeof *kernel);
  snprintf(kernel->name, sizeof kernel->name, "%s", name);
  kernel->isFunction = isFunction;
  pthread_mutex_lock(&lock);
  kernel->next = kernels;
  kernels = kernel;
  pthread_mutex_unlock(&lock);
  *result = kernel;
  return 0;
}

int cuModuleLoadDataEx(void **module, const void *code, unsigned count,
                       int *options, void **values) {
  (void)count, (void)options, (void)values;
  return load(module, code, "cuModuleLoadDataEx");
}
int cuModuleUnload(void *module) {
  record("cuModuleUnload");
  free(module);
  return 0;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  CALL(cuModuleGetFunction);
  return getKernel(function, name, 1);
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  CALL(cuFuncSetAttribute);
  record("cuFuncSetAttribute %s %d = %d", ((Kernel *)function)->name, attribute,
         value);
  return 0;
}
int cuFuncGetAttribute(int *value, int attribute, void *function) {
  (void)function;
  *value = attribute == 4 ? 128 : 0;
  return 0;
}

#ifndef FAKE_CUDA_OLD
int cuLibraryLoadData(void **library, const void *code, int *options,
                      void **values, unsigned count, int *libraryOptions,
                      void **libraryValues, unsigned libraryCount) {
  (void)options, (void)values, (void)count, (void)libraryOptions;
  (void)libraryValues, (void)libraryCount;
  return load(library, code, "cuLibraryLoadData");
}
int cuLibraryUnload(void *library) {
  record("cuLibraryUnload");
  free(library);
  return 0;
}
int cuLibraryGetKernel(void **kernel, void *library, const char *name) {
  (void)library;
  CALL(cuLibraryGetKernel);
  return getKernel(kernel, name, 0);
}
int cuKernelGetFunction(void **function, void *kernel) {
  return getKernel(function, ((Kernel *)kernel)->name, 1);
}
int cuKernelSetAttribute(int attribute, int value, void *kernel, int device) {
  CALL(cuKernelSetAttribute);
  record("cuKernelSetAttribute %s %d = %d on %d", ((Kernel *)kernel)->name,
         attribute, value, device);
  return 0;
}
int cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *address,
                           const uint64_t *extents, const uint64_t *strides,
                           const uint32_t *box, const uint32_t *steps,
                           int interleave, int swizzle, int promotion,
                           int outside) {
  CALL(cuTensorMapEncodeTiled);
  char text[256] = "";
  for (uint32_t i = 0; i < rank; ++i) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, " %llu/%llu/%u/%u",
             (unsigned long long)extents[i],
             i ? (unsigned long long)strides[i - 1] : 0ull, box[i], steps[i]);
  }
  record("map type %d at %p, swizzle %d %d %d %d:%s", type, address, swizzle,
         interleave, promotion, outside, text);
  memset(map, 0x5a, 128);
  return (uintptr_t)map % 64 ? 1 : 0;
}
int cuThreadExchangeStreamCaptureMode(int *mode) {
  static __thread int current;
  int before = current;
  current = *mode;
  *mode = before;
  return 0;
}
#endif

static int launch(void *function, const unsigned grid[3],
                  const unsigned block[3], unsigned shared, void *stream,
                  void **parameters, const char *extra) {
  CALL(cuLaunchKernel);
  Kernel *kernel = function;
  char values[512] = "";
  int count = setting("FAKE_CUDA_PARAMETERS", 0);
  for (int i = 0; i < count; ++i) {
    size_t used = strlen(values);
    snprintf(values + used, sizeof values - used, " %llx",
             *(unsigned long long *)parameters[i]);
  }
  int device = -1;
  if (cuCtxGetDevice(&device))
    return 201;
  record("launch %s of %s on %d, grid %u %u %u, block %u %u %u, shared %u, "
         "stream %p%s:%s",
         kernel->isFunction ? "function" : "kernel", kernel->name, device,
         grid[0], grid[1], grid[2], block[0], block[1], block[2], shared,
         stream, extra, values);
  if (count && setting("FAKE_CUDA_OVERRUN", 0))
    (*(unsigned char **)parameters[count - 1])[-1] = 0;
  return 0;
}
int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned shared, void *stream,
                   void **parameters, void **extra) {
  (void)extra;
  unsigned grid[] = {gridX, gridY, gridZ}, block[] = {blockX, blockY, blockZ};
  return launch(function, grid, block, shared, stream, parameters, "");
}
#ifndef FAKE_CUDA_OLD
typedef struct {
  unsigned grid[3], block[3], shared;
  void *stream;
  struct {
    int id;
    char pad[4];
    unsigned value[16];
  } *attributes;
  unsigned count;
} Config;
int cuLaunchKernelEx(const Config *config, void *function, void **parameters,
                     void **extra) {
  (void)extra;
  char text[96] = "";
  if (config->count == 1 && config->attributes[0].id == 4)
    snprintf(text, sizeof text, ", cluster %u %u %u",
             config->attributes[0].value[0], config->attributes[0].value[1],
             config->attributes[0].value[2]);
  return launch(function, config->grid, config->block, config->shared,
                config->stream, parameters, text);
}
#endif

/*===----------------------------------------------------------------------===*/
/* Memory, streams, events, graphs                                            */
/*===----------------------------------------------------------------------===*/

int cuMemAlloc_v2(Pointer *pointer, size_t bytes) {
  CALL(cuMemAlloc_v2);
  void *memory = NULL;
  if (posix_memalign(&memory, 512, bytes ? bytes : 1))
    return 2;
  *pointer = (Pointer)(uintptr_t)memory;
  return 0;
}
int cuMemFree_v2(Pointer pointer) {
  free((void *)(uintptr_t)pointer);
  return 0;
}
int cuMemcpyHtoD_v2(Pointer to, const void *from, size_t bytes) {
  memcpy((void *)(uintptr_t)to, from, bytes);
  return 0;
}
int cuMemcpyDtoH_v2(void *to, Pointer from, size_t bytes) {
  memcpy(to, (void *)(uintptr_t)from, bytes);
  return 0;
}
int cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t bytes) {
  memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
  return 0;
}
int cuMemsetD8_v2(Pointer to, unsigned char value, size_t bytes) {
  memset((void *)(uintptr_t)to, value, bytes);
  return 0;
}
int cuMemsetD8Async(Pointer to, unsigned char value, size_t bytes,
                    void *stream) {
  (void)stream;
  return cuMemsetD8_v2(to, value, bytes);
}
int cuStreamCreate(void **stream, unsigned flags) {
  (void)flags;
  *stream = calloc(1, 1);
  return 0;
}
int cuStreamDestroy_v2(void *stream) {
  free(stream);
  return 0;
}
int cuStreamSynchronize(void *stream) {
  (void)stream;
  CALL(cuStreamSynchronize);
  return 0;
}
int cuEventCreate(void **event, unsigned flags) {
  (void)flags;
  *event = calloc(1, 1);
  return 0;
}
int cuEventDestroy_v2(void *event) {
  free(event);
  return 0;
}
int cuEventRecord(void *event, void *stream) {
  (void)event, (void)stream;
  return 0;
}
int cuEventSynchronize(void *event) {
  (void)event;
  return 0;
}
int cuEventElapsedTime(float *milliseconds, void *first, void *last) {
  (void)first, (void)last;
  *milliseconds = 0.5f;
  return 0;
}
int cuStreamBeginCapture_v2(void *stream, int mode) {
  (void)stream, (void)mode;
  record("capture begins");
  return 0;
}
int cuStreamEndCapture(void *stream, void **graph) {
  (void)stream;
  record("capture ends");
  *graph = calloc(1, 1);
  return 0;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph,
                                unsigned long long flags) {
  (void)graph, (void)flags;
  *executable = calloc(1, 1);
  return 0;
}
int cuGraphLaunch(void *executable, void *stream) {
  (void)executable, (void)stream;
  record("replay");
  return 0;
}
int cuGraphExecDestroy(void *executable) {
  free(executable);
  return 0;
}
int cuGraphDestroy(void *graph) {
  free(graph);
  return 0;
}
