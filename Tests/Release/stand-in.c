// Stands in for vsd and vsperf in the tests of Scripts/dist, which need no program that does more than say its version.
#include <microhttpd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "release_stamp.h"

int main(int count, char **words) {
  if (count > 1 && !strcmp(words[1], "completion")) return printf("# completion\n") < 0;
  printf("stand-in %s\n", release_stamp());
  return sqlite3_libversion_number() == 0 || MHD_get_version() == NULL;
}
