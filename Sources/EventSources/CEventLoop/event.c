#define _GNU_SOURCE
#include "CEventLoop.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int vs_event_open(int counts) {
  return eventfd(0, EFD_CLOEXEC | (counts ? EFD_SEMAPHORE : 0));
}

void vs_event_signal(int descriptor) {
  uint64_t one = 1;
  while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void vs_event_take(int descriptor) {
  uint64_t value;
  while (read(descriptor, &value, sizeof value) < 0 && errno == EINTR) {
  }
}

void vs_thread_set_name(const char *name) {
  pthread_setname_np(pthread_self(), name);
}

unsigned long vs_descriptors_allow(unsigned long count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return count;
  if (limit.rlim_cur < count) {
    struct rlimit more = limit;
    more.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
    if (!setrlimit(RLIMIT_NOFILE, &more)) limit = more;
  }
  return limit.rlim_cur < count ? limit.rlim_cur : count;
}

void vs_thread_yield_to_others(void) {
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), getpriority(PRIO_PROCESS, 0) + 5);
}
