/*===- Package.c - loads a package and runs it ----------------------------===*/
/* See Package.h. What is read and loaded is made once, under a lock, and found
 * without one by every call after that. */
/*===----------------------------------------------------------------------===*/
#include "deltanet/Runtime/Package.h"
#include "Device.h"
#include "Error.h"
#include "Processor.h"
#include <pthread.h>
#include <stdlib.h>

enum { kMaxDevices = 128 };

/* What the runtime has of a package. */
typedef struct State State;
struct State {
  Manifest *manifest;
  LoadedDevice *devices[kMaxDevices]; /* atomic */
  int hostChecked;                    /* atomic */
  deltanet_package *package;
  State *next;
};

/* Guards the making of states and of what is in them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static State *states;

static State *findState(deltanet_package *package) {
  return __atomic_load_n((State **)&package->state, __ATOMIC_ACQUIRE);
}

/* Reads the manifest; the lock is held. */
static State *makeState(deltanet_package *package) {
  if (package->version != DELTANET_PACKAGE_VERSION) {
    deltanet_fail(DELTANET_ERROR_PACKAGE,
                  "expects a package of version %d, got %u",
                  DELTANET_PACKAGE_VERSION, package->version);
    return NULL;
  }
  State *state = calloc(1, sizeof *state);
  if (!state) {
    deltanet_fail(DELTANET_ERROR_MEMORY, "no memory to read a package");
    return NULL;
  }
  state->manifest = deltanet_read_manifest(package);
  if (!state->manifest) {
    free(state);
    return NULL;
  }
  state->package = package;
  state->next = states;
  states = state;
  __atomic_store_n((State **)&package->state, state, __ATOMIC_RELEASE);
  return state;
}

static State *getState(deltanet_package *package) {
  State *state = findState(package);
  if (state)
    return state;
  pthread_mutex_lock(&lock);
  state = findState(package);
  if (!state)
    state = makeState(package);
  pthread_mutex_unlock(&lock);
  return state;
}

static int32_t getDevice(State *state, int32_t device, LoadedDevice **loaded) {
  if (device < 0 || device >= kMaxDevices)
    return deltanet_fail(DELTANET_ERROR_DEVICE,
                         "expects a CUDA device from 0 to %d, got %d",
                         kMaxDevices - 1, device);
  *loaded = __atomic_load_n(&state->devices[device], __ATOMIC_ACQUIRE);
  if (*loaded)
    return DELTANET_OK;
  int32_t code = DELTANET_OK;
  pthread_mutex_lock(&lock);
  *loaded = __atomic_load_n(&state->devices[device], __ATOMIC_ACQUIRE);
  if (!*loaded) {
    code =
        deltanet_load_device(state->manifest, state->package, device, loaded);
    if (!code)
      __atomic_store_n(&state->devices[device], *loaded, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&lock);
  return code;
}

static int32_t checkHost(State *state) {
  if (__atomic_load_n(&state->hostChecked, __ATOMIC_ACQUIRE))
    return DELTANET_OK;
  int32_t code = deltanet_check_processor(state->manifest, state->package);
  if (!code)
    __atomic_store_n(&state->hostChecked, 1, __ATOMIC_RELEASE);
  return code;
}

static int32_t checkCall(const deltanet_call *call, const Operands *operands) {
  if (!call)
    return DELTANET_OK;
  if (call->struct_size < sizeof *call)
    return deltanet_fail(DELTANET_ERROR_CALL,
                         "expects struct_size of at least %zu, got %u",
                         sizeof *call, call->struct_size);
  if (call->flags != 0)
    return deltanet_fail(DELTANET_ERROR_CALL, "expects flags of 0, got 0x%x",
                         call->flags);
  if (operands->isGPU && call->device != -1 && call->device != operands->device)
    return deltanet_fail(DELTANET_ERROR_CALL,
                         "expects the device of the tensors, %d, or -1 for it, "
                         "got %d",
                         operands->device, call->device);
  return DELTANET_OK;
}

int32_t deltanet_run_package(deltanet_package *package,
                             const deltanet_call *call,
                             const DLTensor *const *tensors, int32_t count) {
  Operands operands;
  deltanet_clear_error();
  State *state = getState(package);
  if (!state)
    return DELTANET_ERROR_PACKAGE;
  int32_t code =
      deltanet_check_tensors(state->manifest, tensors, count, 1, &operands);
  if (!code)
    code = checkCall(call, &operands);
  if (code)
    return code;
  if (!operands.isGPU) {
    code = checkHost(state);
    return code ? code
                : deltanet_call_host(state->manifest, package, &operands);
  }
  LoadedDevice *loaded;
  code = getDevice(state, operands.device, &loaded);
  return code ? code
              : deltanet_launch(state->manifest, loaded, call, &operands);
}

int32_t deltanet_measure_package(deltanet_package *package,
                                 const DLTensor *const *tensors, int32_t count,
                                 uint64_t *bytes) {
  Operands operands;
  deltanet_clear_error();
  if (!bytes)
    return deltanet_fail(DELTANET_ERROR_CALL,
                         "expects a place for the bytes, got NULL");
  *bytes = 0;
  State *state = getState(package);
  if (!state)
    return DELTANET_ERROR_PACKAGE;
  int32_t code =
      deltanet_check_tensors(state->manifest, tensors, count, 0, &operands);
  if (code || !operands.isGPU)
    return code ? code : checkHost(state);
  LoadedDevice *loaded;
  int64_t needed = 0;
  code = getDevice(state, operands.device, &loaded);
  if (!code)
    code =
        deltanet_count_workspace(state->manifest, loaded, &operands, &needed);
  *bytes = (uint64_t)needed;
  return code;
}

int32_t deltanet_load_package(deltanet_package *package, int32_t device) {
  deltanet_clear_error();
  State *state = getState(package);
  if (!state)
    return DELTANET_ERROR_PACKAGE;
  LoadedDevice *loaded;
  return device == -1 ? checkHost(state) : getDevice(state, device, &loaded);
}

/* The lock is held. */
static void unloadDevices(State *state) {
  for (int i = 0; i < kMaxDevices; ++i) {
    LoadedDevice *loaded = state->devices[i];
    __atomic_store_n(&state->devices[i], (LoadedDevice *)NULL,
                     __ATOMIC_RELEASE);
    if (loaded)
      deltanet_unload_device(loaded);
  }
}

int32_t deltanet_unload_package(deltanet_package *package) {
  deltanet_clear_error();
  State *state = findState(package);
  if (!state)
    return DELTANET_OK;
  pthread_mutex_lock(&lock);
  unloadDevices(state);
  pthread_mutex_unlock(&lock);
  return DELTANET_OK;
}

void deltanet_close_package(deltanet_package *package) {
  pthread_mutex_lock(&lock);
  State *state = findState(package);
  for (State **at = &states; state && *at; at = &(*at)->next)
    if (*at == state) {
      *at = state->next;
      break;
    }
  if (state) {
    unloadDevices(state);
    deltanet_free_manifest(state->manifest);
    free(state);
  }
  package->state = NULL;
  pthread_mutex_unlock(&lock);
}

/* When the library goes. Code on devices is left to the driver, which may have
 * gone before. */
__attribute__((destructor)) static void freeStates(void) {
  while (states) {
    State *next = states->next;
    for (int i = 0; i < kMaxDevices; ++i)
      free(states->devices[i]);
    states->package->state = NULL;
    deltanet_free_manifest(states->manifest);
    free(states);
    states = next;
  }
}

const char *deltanet_get_target(deltanet_package *package, int32_t device) {
  State *state = findState(package);
  LoadedDevice *loaded =
      state && device >= 0 && device < kMaxDevices
          ? __atomic_load_n(&state->devices[device], __ATOMIC_ACQUIRE)
          : NULL;
  return loaded ? deltanet_loaded_target(loaded)->name : NULL;
}
