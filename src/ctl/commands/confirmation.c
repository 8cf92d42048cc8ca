#include "ctl/commands/confirmation.h"

#include "os/terminal/terminal_capabilities.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool confirmation_is_possible(void)
{
    return terminal_is_tty(STDIN_FILENO) && terminal_is_tty(STDERR_FILENO);
}

/* Reads a line; what does not fit is read, too, and makes it another word. */
static void read_word(char *word, size_t room)
{
    size_t length = 0;
    for (int byte; (byte = getchar()) != EOF && byte != '\n';)
        if (length + 1 < room)
            word[length++] = (char)byte;
    word[length] = '\0';
}

bool confirmation_ask(const char *question)
{
    char word[8];
    fflush(stdout);
    fprintf(stderr, "%s [y/N] ", question);
    read_word(word, sizeof word);
    return strcasecmp(word, "y") == 0 || strcasecmp(word, "yes") == 0;
}
