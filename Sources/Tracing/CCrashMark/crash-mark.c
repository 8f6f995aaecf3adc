#define _GNU_SOURCE
#include "CCrashMark.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/// The owner of a step: nobody, any thread, or else the id of one thread.
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

/// Handles a crash signal. Calls only functions that are safe in a signal handler.
static void crashed(int signal, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  int is_ours = info->si_code > 0 || info->si_pid == getpid();
  // Mark the steps of this thread, or, if it is in none, the steps that may run on any thread.
  if (is_ours && !write_mark((uintptr_t)pthread_self(), (unsigned char)signal)) write_mark(ANYBODY, (unsigned char)signal);
  // For a signal sent by another process, restore the default action. The handler of the Swift runtime returns and relies on
  // the fault occurring again, so it would not end the process here.
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  for (int index = 0; index < SIGNAL_COUNT; index++) {
    if (signals[index] == signal) sigaction(signal, is_ours ? &previous[index] : &standard, NULL);
  }
  errno = saved;
  // The signal stays blocked until this handler returns. Then it ends the process as it would have without this handler.
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

/// The stack on which a thread handles a signal after its own stack has overflowed.
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
