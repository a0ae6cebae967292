/* train.c - learns a value: gradient descent until what the delta rule reads
 * for a key is the number that is wanted. */
#include "embed.h"
#include <stdio.h>

enum { Q, K, V, BETA, BEFORE, O, AFTER, KEPT, D_O, D_AFTER, DQ, DK, DV, DBETA };
static float data[14][2 * 32 * 16];
static int64_t qk[] = {1, 2, 1, 32}, vo[] = {1, 2, 1, 16}, bt[] = {1, 2, 1},
               st[] = {1, 1, 32, 16}, kept[] = {1, 1, 1, 32, 16};
static DLTensor t[14];

static void make(int number, int ndim, int64_t *shape) {
  t[number].data = data[number];
  t[number].device.device_type = 1; /* the processor */
  t[number].ndim = ndim;
  t[number].dtype.code = 2; /* f32 */
  t[number].dtype.bits = 32;
  t[number].dtype.lanes = 1;
  t[number].shape = shape;
}

static int forward(void) {
  return delta_forward_run(NULL, &t[Q], &t[K], &t[V], &t[BETA], &t[BEFORE],
                           &t[O], &t[AFTER], &t[KEPT]);
}

int main(void) {
  int i, step;
  make(Q, 4, qk), make(K, 4, qk), make(DQ, 4, qk), make(DK, 4, qk);
  make(V, 4, vo), make(O, 4, vo), make(DV, 4, vo), make(D_O, 4, vo);
  make(BETA, 3, bt), make(DBETA, 3, bt), make(KEPT, 5, kept);
  make(BEFORE, 4, st), make(AFTER, 4, st), make(D_AFTER, 4, st);
  data[Q][32] = data[K][0] = data[K][32] = 1; /* q[1], k[0], k[1] */
  data[BETA][0] = data[BETA][1] = 0.5f;
  for (step = 0; step < 100; ++step) {
    float loss;
    if (forward() != DELTANET_OK) {
      printf("%s\n", delta_forward_last_error());
      return 1;
    }
    data[D_O][16] = data[O][16] - 1; /* of half the square of o[1] - 1 */
    loss = data[D_O][16] * data[D_O][16] / 2;
    if (step % 33 == 0)
      printf("loss %d: %.4f\n", step, loss);
    if (delta_backward_run(NULL, &t[Q], &t[K], &t[V], &t[BETA], &t[BEFORE],
                           &t[KEPT], &t[D_O], &t[D_AFTER], &t[DQ], &t[DK],
                           &t[DV], &t[DBETA]) != DELTANET_OK) {
      printf("%s\n", delta_backward_last_error());
      return 1;
    }
    for (i = 0; i < 2 * 16; ++i)
      data[V][i] -= 4 * data[DV][i];
  }
  kept[1] = 2; /* chunks; there is one */
  forward();
  printf("%s\n", delta_forward_last_error());
  return 0;
}
