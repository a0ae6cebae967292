/*===- Processor.c - a package on this processor --------------------------===*/
/* Asks the processor itself for its features, so that code for another one is
 * refused with a sentence and does not end the program. */
/*===----------------------------------------------------------------------===*/
#include "Processor.h"
#include "Error.h"
#include "deltanet/Runtime/Features.h"
#include <string.h>

const char *deltanet_architecture(void) {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "";
#endif
}

#if defined(__x86_64__)
#include <cpuid.h>

/* State that the system must save for a feature: vectors of 256, 512 bits. */
enum { kNoState = 0, kAVXState = 0x6, kAVX512State = 0xe6 };
enum { kEBX = 1, kECX, kEDX, kEAX };

/* Where cpuid says what: leaf, subleaf, register, bit. Intel SDM volume 2A,
 * CPUID; AMD APM volume 3, appendix E, for the leaf 0x80000001. */
static const struct {
  const char *name;
  unsigned leaf, subleaf;
  unsigned char reg, bit;
  unsigned char state;
} features[] = {
    {"sse3", 1, 0, kECX, 0, kNoState},
    {"pclmul", 1, 0, kECX, 1, kNoState},
    {"ssse3", 1, 0, kECX, 9, kNoState},
    {"fma", 1, 0, kECX, 12, kAVXState},
    {"cx16", 1, 0, kECX, 13, kNoState},
    {"sse4.1", 1, 0, kECX, 19, kNoState},
    {"sse4.2", 1, 0, kECX, 20, kNoState},
    {"movbe", 1, 0, kECX, 22, kNoState},
    {"popcnt", 1, 0, kECX, 23, kNoState},
    {"aes", 1, 0, kECX, 25, kNoState},
    {"avx", 1, 0, kECX, 28, kAVXState},
    {"f16c", 1, 0, kECX, 29, kAVXState},
    {"bmi", 7, 0, kEBX, 3, kNoState},
    {"avx2", 7, 0, kEBX, 5, kAVXState},
    {"bmi2", 7, 0, kEBX, 8, kNoState},
    {"adx", 7, 0, kEBX, 19, kNoState},
    {"sha", 7, 0, kEBX, 29, kNoState},
    {"avx512f", 7, 0, kEBX, 16, kAVX512State},
    {"avx512dq", 7, 0, kEBX, 17, kAVX512State},
    {"avx512ifma", 7, 0, kEBX, 21, kAVX512State},
    {"avx512cd", 7, 0, kEBX, 28, kAVX512State},
    {"avx512bw", 7, 0, kEBX, 30, kAVX512State},
    {"avx512vl", 7, 0, kEBX, 31, kAVX512State},
    {"avx512vbmi", 7, 0, kECX, 1, kAVX512State},
    {"avx512vbmi2", 7, 0, kECX, 6, kAVX512State},
    {"gfni", 7, 0, kECX, 8, kNoState},
    {"vaes", 7, 0, kECX, 9, kAVXState},
    {"vpclmulqdq", 7, 0, kECX, 10, kAVXState},
    {"avx512vnni", 7, 0, kECX, 11, kAVX512State},
    {"avx512bitalg", 7, 0, kECX, 12, kAVX512State},
    {"avx512vpopcntdq", 7, 0, kECX, 14, kAVX512State},
    {"avx512fp16", 7, 0, kEDX, 23, kAVX512State},
    {"avxvnni", 7, 1, kEAX, 4, kAVXState},
    {"avx512bf16", 7, 1, kEAX, 5, kAVX512State},
    {"lzcnt", 0x80000001u, 0, kECX, 5, kNoState},
};

static unsigned savedState(void) {
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0; /* no OSXSAVE */
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  (void)high;
  return low;
}

int deltanet_has_feature(const char *name) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    if (strcmp(features[i].name, name) != 0)
      continue;
    unsigned a, b, c, d;
    if (!__get_cpuid_count(features[i].leaf, features[i].subleaf, &a, &b, &c,
                           &d))
      return 0;
    unsigned value = features[i].reg == kEBX   ? b
                     : features[i].reg == kECX ? c
                     : features[i].reg == kEDX ? d
                                               : a;
    unsigned state = features[i].state;
    return (value >> features[i].bit & 1) &&
           (state == kNoState || (savedState() & state) == state);
  }
  return -1;
}
#else
int deltanet_has_feature(const char *name) {
  (void)name;
  return -1;
}
#endif

int32_t deltanet_check_processor(const Manifest *manifest,
                                 const deltanet_package *package) {
  const TargetInfo *target = NULL;
  for (int i = 0; i < manifest->numTargets; ++i)
    if (!manifest->targets[i].isGPU)
      target = &manifest->targets[i];
  if (!target || !package->host)
    return deltanet_fail(
        DELTANET_ERROR_DEVICE,
        "'%s' expects tensors on a CUDA device: it has no code "
        "for a processor",
        manifest->name);
  if (strcmp(target->architecture, deltanet_architecture()) != 0)
    return deltanet_fail(
        DELTANET_ERROR_DEVICE, "'%s' expects a processor of %s, this is %s",
        manifest->name, target->architecture, deltanet_architecture());
  for (int i = 0; i < target->numNeeds; ++i)
    if (deltanet_has_feature(target->needs[i]) != 1)
      return deltanet_fail(DELTANET_ERROR_DEVICE,
                           "'%s' was compiled for '%s' and expects a processor "
                           "with %s, which this one lacks",
                           manifest->name, target->name, target->needs[i]);
  return DELTANET_OK;
}

/* Base, data and offset of a descriptor; extents and strides follow. */
enum { kDescriptorHead = 3 };

void deltanet_call_host(const Manifest *manifest,
                        const deltanet_package *package,
                        const Operands *operands) {
  int64_t descriptors[kMaxArguments][kDescriptorHead + 2 * kMaxRank];
  void *pointers[kMaxArguments];
  for (int i = 0; i < manifest->numArguments; ++i) {
    const DLTensor *tensor = operands->tensors[i];
    int64_t *words = descriptors[i], stride = 1;
    pointers[i] = words;
    if (!tensor) {
      memset(words, 0, sizeof descriptors[i]);
      continue;
    }
    words[0] = words[1] = (int64_t)(uintptr_t)deltanet_tensor_data(tensor);
    words[2] = 0;
    for (int dim = tensor->ndim; dim-- > 0;) {
      words[kDescriptorHead + dim] = tensor->shape[dim];
      words[kDescriptorHead + tensor->ndim + dim] = stride;
      stride *= tensor->shape[dim];
    }
  }
  package->host(pointers);
}
