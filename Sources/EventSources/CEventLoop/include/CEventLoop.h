#pragma once

/// A descriptor that becomes readable when it is signalled; -1 and errno when there is none left.
///
/// @param counts each signal wakes one waiter; else any number of signals is one
int vs_event_open(int counts);

/// Wakes whoever waits, or who waits next.
void vs_event_signal(int descriptor);

/// Waits for a signal, and takes it.
void vs_event_take(int descriptor);

/// Names the calling thread as debuggers and `top` show it: up to 15 characters.
void vs_thread_set_name(const char *name);

/// Lets the process have this many open descriptors at least, as far as it may, and returns how many of them it may have.
unsigned long vs_descriptors_allow(unsigned long count);

/// Gives the calling thread less of the processor than others where they want it.
void vs_thread_yield_to_others(void);
