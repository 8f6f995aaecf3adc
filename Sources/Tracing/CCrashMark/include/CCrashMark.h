#pragma once

/// The number of marks, which are numbered from 0, and the size of each mark in the file.
enum { vs_crash_mark_count = 32, vs_crash_mark_bytes = 64 };

/// Installs signal handlers that record in a file which marked step a crash interrupts.
///
/// A crash writes the signal number to the second byte of the step's mark. The mark starts at its number times
/// vs_crash_mark_bytes. Only crashes that the process causes itself are recorded, not signals from other processes.
///
/// After recording, the previous handler of the signal runs. A signal from another process ends the process. A second call only
/// changes the file.
///
/// @param descriptor the file to write to; negative stops recording
/// @return 0, or -1 with errno set
int vs_crash_mark_install(int descriptor);

/// Marks the start of a step on the calling thread. Gives the thread a spare stack, so that a stack overflow is recorded, too.
///
/// @param mark the number of the mark; ignored if out of range
/// @param any_thread nonzero if the step may move between threads; a crash on any thread that is in no step of its own marks it
void vs_crash_mark_enter(int mark, int any_thread);

/// Marks the end of a step.
void vs_crash_mark_leave(int mark);
