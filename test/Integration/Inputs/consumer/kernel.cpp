// A program with a kernel in it, and nothing else of the project.
#include "my_delta.h"
#include <cstdio>

int main() {
  alignas(16) float data[2][16] = {{1}, {2}}, out[16];
  int64_t shape[] = {1, 1, 1, 16};
  DLTensor q = {data[0], {1, 0}, 4, {2, 32, 1}, shape, nullptr, 0}, v = q, o = q;
  v.data = data[1];
  o.data = out;
  if (my_delta_run(nullptr, &q, &v, &o) != DELTANET_OK) {
    std::puts(my_delta_last_error());
    return 1;
  }
  std::printf("kernel: %.2f\n", out[0]); // 1 * 2 / sqrt(16)
}
