#ifndef SYSTEM_SCREEN_H
#define SYSTEM_SCREEN_H

#include "harness.h"

/* A terminal that a test sits at: a window of tmux, with a server and socket of its own that go
 * with the test. A shell runs in it, whose prompt is "$ ", with SHELL_LINES as its own settings. */

/* Skips the test where tmux or bash is missing. */
void screen_open(int columns, int rows, const char *shell_lines);

/* Types text as it is; and keys by tmux's names, with blanks between ("C-c Left Enter"). */
void screen_type(const char *text);
void screen_press(const char *keys);
/* Pastes text in brackets, if the program has asked for them. */
void screen_paste(const char *text);

void screen_resize(int columns, int rows);

/* Waits until the screen shows just these lines from its top, the cursor at column and row from 0;
 * blanks at ends of lines don't count, times in it stand as "(T)", and of joined pictures the first
 * stands for all, without its tone. */
void screen_await(const char *lines, int column, int row);
/* Waits until the screen, or what was scrolled out of it, holds part somewhere, with times as
 * "(T)".
 */
void screen_await_part(const char *part);

#ifndef HARNESS_INTERNAL
#define screen_await(...)      HERE(screen_await(__VA_ARGS__))
#define screen_await_part(...) HERE(screen_await_part(__VA_ARGS__))
#endif

#endif
