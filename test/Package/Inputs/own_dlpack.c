/* What a dlpack.h brings with it, under other names inside. */
#include <stdint.h>
typedef struct DLTensor {
  void *its_data;
} DLTensor;
#include "embed.h"

int (*use)(const deltanet_call *, const DLTensor *, const DLTensor *,
           const DLTensor *, const DLTensor *, const DLTensor *, DLTensor *,
           DLTensor *) = delta_run;
