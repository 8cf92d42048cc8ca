#ifndef SYSTEM_TMUX_SHELL_H
#define SYSTEM_TMUX_SHELL_H

#include "harness.h"

/* An interactive shell in a terminal of tmux: types keys, and compares the screen and the cursor.
 * The tmux server and its socket belong to the test and are removed at its end. */

/* Opens a terminal with bash, whose prompt is "$ " and which runs shell_lines first. Skips the test
 * if tmux or bash is missing. */
void screen_open(int columns, int rows, const char *shell_lines);

/* Types text as it is, or keys by their names in tmux, separated by blanks ("C-c Left Enter"). */
void screen_type(const char *text);
void screen_press(const char *keys);
/* Pastes text, as a bracketed paste if the program has enabled that mode. */
void screen_paste(const char *text);

void screen_resize(int columns, int rows);

/* Waits until the screen shows exactly these lines from its top, with the cursor at column and row
 * (from 0). Blanks at the ends of lines are ignored, times are replaced by "(T)", and joined emoji
 * by the first one without its skin tone. */
void screen_await(const char *lines, int column, int row);
/* Waits until the screen, or the part that was scrolled out, contains part, with times as "(T)". */
void screen_await_part(const char *part);

#ifndef HARNESS_INTERNAL
#define screen_await(...)      HERE(screen_await(__VA_ARGS__))
#define screen_await_part(...) HERE(screen_await_part(__VA_ARGS__))
#endif

#endif
