/*===- Manifest.h - what a package says of itself, read ------------*- C
 * -*-===*/
/* The part of the manifest that a call needs, checked once when the package is
 * first used. docs/Embed.md describes the JSON. */
/*===----------------------------------------------------------------------===*/
#ifndef DELTANET_LIB_RUNTIME_MANIFEST_H
#define DELTANET_LIB_RUNTIME_MANIFEST_H

#include "Json.h"
#include "deltanet/Runtime/Expression.h"
#include "deltanet/Runtime/Package.h"

/* So that a call needs no memory but its stack. */
enum {
  kMaxArguments = 64,
  kMaxSizes = 64,
  kMaxRank = 8,
  kMaxKernelArguments = 128,
  kMaxKernels = 32, /* of all variants of a target */
  kMaxVariants = 8,
  kMaxMaps = 16,   /* tensor maps of a kernel */
  kMaxMapRank = 5, /* CUtensorMap's */
  kWorkspaceAlignment = 256,
  kTensorAlignment = 16
};

typedef enum { kInput, kOutput, kSizeValue, kWorkspace } Role;

typedef struct {
  int count;
  const char *names[kMaxSizes];
} SizeNames;

typedef struct {
  int rank;
  deltanet_expression *extents[kMaxRank];
  const char *texts[kMaxRank];
  /* Nearly all extents are a number or a size, and every call checks them. */
  deltanet_expression_kind kinds[kMaxRank];
  int64_t values[kMaxRank];
} Shape;

typedef struct {
  const char *name;
  const char *type; /* bf16, ... */
  uint8_t code, bits;
  Shape shape;
} Element;

typedef struct {
  Element element;
  Role role;
  int optional;
  /* Offsets of packed sequences rise from 0 to this; NULL: no offsets. */
  deltanet_expression *offsetsEnd;
} ArgumentInfo;

/* Must be zero. */
typedef struct {
  deltanet_expression *value;
  const char *rule;
} Condition;

/* An input and an output that may be the same memory. */
typedef struct {
  int input, output;
} Alias;

/* A tensor map that stands for a pointer: innermost dimension first, strides of
 * all others in elements. */
typedef struct {
  int rank;
  deltanet_expression *extents[kMaxMapRank], *strides[kMaxMapRank];
  uint32_t box[kMaxMapRank];
  int64_t swizzle; /* bytes */
} MapInfo;

typedef struct {
  Role role;
  int index;    /* of an argument, a size or a workspace */
  MapInfo *map; /* NULL: a pointer */
} KernelArgument;

typedef struct {
  const char *name;
  deltanet_expression *grid[3];
  int64_t block, shared;
  int64_t cluster[3]; /* 0: none */
  int numArguments, numMaps;
  KernelArgument *arguments;
} KernelInfo;

/* Kernels that are launched together, and the workspaces between them: runs of
 * the target's. Taken where `low` is at most `high`; NULL: where no variant
 * before it is. */
typedef struct {
  const char *name;
  deltanet_expression *low, *high;
  int firstWorkspace, numWorkspaces, firstKernel, numKernels;
} VariantInfo;

typedef enum { kCubin, kPTX } BinaryKind;
typedef struct {
  BinaryKind kind;
  int blob;
} Binary;

typedef struct {
  const char *name;
  int isGPU;
  /* GPU: 80 for sm_80; specific: that chip only (sm_90a). */
  int64_t capability;
  int specific;
  int numBinaries;
  Binary *binaries;
  /* Sizes of the kernels, in terms of the function's. */
  SizeNames sizes;
  deltanet_expression *sizeValues[kMaxSizes]; /* NULL: multiprocessors */
  int numWorkspaces;
  Element *workspaces;
  int numKernels;
  KernelInfo *kernels;
  int numVariants; /* the last has no condition */
  VariantInfo *variants;
  /* Processor: its family, and features it must have. */
  const char *architecture;
  int numNeeds;
  const char **needs;
} TargetInfo;

typedef struct ExpressionList ExpressionList;

typedef struct {
  Arena arena;
  ExpressionList *expressions; /* all of them */
  const char *name;
  SizeNames sizes;
  int numArguments, numConditions, numAliases, numTargets;
  ArgumentInfo *arguments;
  Condition *conditions;
  Alias *aliases;
  TargetInfo *targets;
} Manifest;

/* Reads the manifest of `package`; NULL, and the error noted, where it is not
 * right. */
Manifest *deltanet_read_manifest(const deltanet_package *package);
void deltanet_free_manifest(Manifest *manifest);

#endif /* DELTANET_LIB_RUNTIME_MANIFEST_H */
