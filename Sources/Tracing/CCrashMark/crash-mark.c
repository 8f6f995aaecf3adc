#define _GNU_SOURCE
#include "CCrashMark.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/// Who is in a step: nobody, whichever thread, or a thread.
enum { NOBODY = 0, ANYBODY = 1 };

static atomic_uintptr_t owners[vs_crash_mark_count];
static atomic_int file = -1;
static atomic_int is_installed;
static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { SIGNAL_COUNT = sizeof signals / sizeof signals[0] };
static struct sigaction previous[SIGNAL_COUNT];

static int write_mark(uintptr_t owner, unsigned char signal) {
  int found = 0;
  for (int mark = 0; mark < vs_crash_mark_count; mark++) {
    if (atomic_load(&owners[mark]) != owner) continue;
    found = 1;
    ssize_t written = pwrite(atomic_load(&file), &signal, 1, (off_t)mark * vs_crash_mark_bytes + 1);
    (void)written;
  }
  return found;
}

/// Calls nothing but what a signal handler may.
static void crashed(int signal, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  int is_ours = info->si_code > 0 || info->si_pid == getpid();
  // A step of this thread is the culprit; otherwise one that may be on any.
  if (is_ours && !write_mark((uintptr_t)pthread_self(), (unsigned char)signal)) write_mark(ANYBODY, (unsigned char)signal);
  // The handler of the Swift runtime relies on the fault coming again: at a signal that was sent nothing would end the process.
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  for (int index = 0; index < SIGNAL_COUNT; index++) {
    if (signals[index] == signal) sigaction(signal, is_ours ? &previous[index] : &standard, NULL);
  }
  errno = saved;
  // Blocked until this returns; then it ends the process as it would have.
  raise(signal);
}

int vs_crash_mark_install(int descriptor) {
  atomic_store(&file, descriptor);
  if (descriptor < 0 || atomic_exchange(&is_installed, 1)) return 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = crashed;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int index = 0; index < SIGNAL_COUNT; index++) {
    if (sigaction(signals[index], &action, &previous[index]) != 0) return -1;
  }
  return 0;
}

/// Only touched by a thread whose stack has no room left.
static _Thread_local char spare_stack[32768];

static void use_spare_stack(void) {
  stack_t current;
  if (sigaltstack(NULL, &current) != 0 || !(current.ss_flags & SS_DISABLE)) return;
  stack_t spare;
  memset(&spare, 0, sizeof spare);
  spare.ss_sp = spare_stack;
  spare.ss_size = sizeof spare_stack;
  sigaltstack(&spare, NULL);
}

void vs_crash_mark_enter(int mark, int any_thread) {
  if (mark < 0 || mark >= vs_crash_mark_count) return;
  use_spare_stack();
  atomic_store(&owners[mark], any_thread ? ANYBODY : (uintptr_t)pthread_self());
}

void vs_crash_mark_leave(int mark) {
  if (mark >= 0 && mark < vs_crash_mark_count) atomic_store(&owners[mark], NOBODY);
}
