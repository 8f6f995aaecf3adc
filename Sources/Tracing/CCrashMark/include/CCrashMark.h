#pragma once

/// How many marks there are: numbers from 0.
enum { vs_crash_mark_count = 32, vs_crash_mark_bytes = 64 };

/// Writes down in a file which marked step a crash ends: the signal becomes the second byte of the step's mark, which stands at its number
/// times vs_crash_mark_bytes. Only crashes of this process' own doing count, a signal that somebody sends does not.
///
/// What was done at such a signal before is done afterwards; one that somebody sends ends the process. Once for a process; a second call only changes the file.
///
/// @return 0, or -1 and errno
int vs_crash_mark_install(int descriptor);

/// The calling thread enters a marked step, or, where the step goes from thread to thread, any may. Also lets an overflow of the
/// calling thread's stack be written down.
void vs_crash_mark_enter(int mark, int any_thread);

/// The step is left.
void vs_crash_mark_leave(int mark);
