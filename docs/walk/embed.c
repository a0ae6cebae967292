/* embed.c - one key, written twice and read: the delta rule replaces, so the
 * read-out is the second value. */
#include "embed.h"
#include <stdio.h>

static float data[7][32 * 16];
static int64_t qk[] = {1, 2, 1, 32}, vo[] = {1, 2, 1, 16}, bt[] = {1, 2, 1},
               st[] = {1, 1, 32, 16};

static DLTensor tensor(int number, int ndim, int64_t *shape) {
  DLTensor t = {0};
  t.data = data[number];
  t.device.device_type = 1; /* the processor */
  t.ndim = ndim;
  t.dtype.code = 2; /* f32 */
  t.dtype.bits = 32;
  t.dtype.lanes = 1;
  t.shape = shape;
  return t;
}

int main(void) {
  DLTensor q = tensor(0, 4, qk), k = tensor(1, 4, qk), v = tensor(2, 4, vo),
           beta = tensor(3, 3, bt), before = tensor(4, 4, st),
           o = tensor(5, 4, vo), after = tensor(6, 4, st);
  data[0][32] = data[1][0] = data[1][32] = 1;   /* q[1], k[0], k[1] */
  data[2][0] = 5, data[2][16] = 7;              /* v[0], v[1] */
  data[3][0] = data[3][1] = 1;                  /* beta */
  if (delta_run(NULL, &q, &k, &v, &beta, &before, &o, &after) != DELTANET_OK) {
    printf("%s\n", delta_last_error());
    return 1;
  }
  printf("%.4f %.4f\n", data[5][16], data[6][0]); /* 7 / sqrt(32) and 7 */
  q.dtype.bits = 16;
  delta_run(NULL, &q, &k, &v, &beta, &before, &o, &after);
  printf("%s\n", delta_last_error());
  return 0;
}
