#pragma once

/// Opens a descriptor that becomes readable when it is signaled. Returns -1 and sets errno on failure.
///
/// @param counts nonzero if each signal wakes one waiter; if 0, several signals count as one
int vs_event_open(int counts);

/// Wakes a waiting thread, or the next one that waits.
void vs_event_signal(int descriptor);

/// Waits for a signal and consumes it.
void vs_event_take(int descriptor);

/// Sets the name of the calling thread that debuggers and `top` show, at most 15 bytes.
void vs_thread_set_name(const char *name);

/// Raises the limit of open descriptors to `count` or as close as the hard limit permits. Returns how many of `count` the
/// process may open.
unsigned long vs_descriptors_allow(unsigned long count);

/// Lowers the scheduling priority of the calling thread by 5, so that other threads run first when the CPU is busy.
void vs_thread_yield_to_others(void);
