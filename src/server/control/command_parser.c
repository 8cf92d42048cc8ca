#include "server/control/command_parser.h"

#include "text/nearest_word.h"
#include "text/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 /* of an unknown command's name */ };

__attribute__((format(printf, 2, 3))) static void wrong_command(
    char wrong[COMMAND_PARSER_WRONG_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong, COMMAND_PARSER_WRONG_BYTES, format, arguments);
    va_end(arguments);
}

bool command_parser_permits(enum command_access access, const struct control_command *command)
{
    return access == COMMAND_FOR_OPERATORS || command->access == COMMAND_FOR_OBSERVERS;
}

/* Suggests only commands that the session may run. */
static const struct control_command *find(const struct command_set *set, const char *name,
                                          char wrong[COMMAND_PARSER_WRONG_BYTES])
{
    const char *names[COMMAND_PARSER_NAMES_MAX];
    size_t name_count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct control_command *command = &set->commands[i];
        if (strcmp(command->name, name) == 0)
            return command;
        if (name_count < COMMAND_PARSER_NAMES_MAX && command_parser_permits(set->access, command))
            names[name_count++] = command->name;
    }
    char shown[SHOWN_BYTES];
    printable_ascii(shown, sizeof shown, name, strlen(name));
    const char *suggestion = nearest_word(name, names, name_count);
    wrong_command(wrong, "cannot execute: unknown command '%s'%s%s%s; 'help' lists the commands",
                  shown, suggestion ? " (did you mean '" : "", suggestion ? suggestion : "",
                  suggestion ? "'?)" : "");
    return NULL;
}

/* Terminates the name, and returns the arguments without the blanks around them. */
static char *split(char *line)
{
    char *arguments = line + strcspn(line, " \t");
    if (*arguments != '\0')
        *arguments++ = '\0';
    arguments += strspn(arguments, " \t");
    size_t size = strlen(arguments);
    while (size > 0 && strchr(" \t", arguments[size - 1]))
        size--;
    arguments[size] = '\0';
    return arguments;
}

const struct control_command *command_parser_parse(const struct command_set *set, char *line,
                                                   size_t size, char **arguments,
                                                   char wrong[COMMAND_PARSER_WRONG_BYTES])
{
    if (strlen(line) != size) {
        wrong_command(
            wrong,
            "cannot execute: a command must not contain a NUL byte; 'help' lists the commands");
        return NULL;
    }
    line += strspn(line, " \t");
    *arguments = split(line);
    const struct control_command *command = find(set, line, wrong);
    if (!command || !command_parser_permits(set->access, command))
        return command;
    bool takes = *command->arguments != '\0';
    bool needs = takes && *command->arguments != '[';
    if (**arguments == '\0' ? !needs : takes)
        return command;
    if (takes)
        wrong_command(wrong, "cannot execute '%s': it needs %s; 'help' lists the commands",
                      command->name, command->arguments);
    else
        wrong_command(wrong,
                      "cannot execute '%s': it takes no arguments; 'help' lists the commands",
                      command->name);
    return NULL;
}
