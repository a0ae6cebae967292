#include "embed.h"
#include "other.h"
#include <stdio.h>
#include <string.h>

int main(void) {
  int manifests = 0;
  delta_run(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  other_run(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  printf("delta: %s\n", delta_last_error());
  printf("other: %s\n", other_last_error());
  manifests += strstr(delta_manifest(), "\"prefix\": \"delta\"") != NULL;
  manifests += strstr(other_manifest(), "\"prefix\": \"other\"") != NULL;
  printf("%d manifests\n", manifests);
  return delta_unload() || other_unload();
}
