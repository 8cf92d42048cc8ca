/* What the completions of all shells have in common: the reading of the tables. */
#include "shell/program.h"

#include <string.h>

enum shell_kind shell_kind_of(const char *argument)
{
    static const struct {
        const char *name;
        enum shell_kind kind;
    } kinds[] = {
        {"FILE", SHELL_FILE},      {"PATH", SHELL_FILE}, {"HOST[:PORT]", SHELL_HOST},
        {"ADDRESS", SHELL_CLIENT}, {"ID", SHELL_JOB},
    };
    if (strchr(argument, '|'))
        return SHELL_WORDS;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argument) == 0)
            return kinds[i].kind;
    return SHELL_NOTHING;
}

const char *shell_lister(enum shell_kind kind)
{
    return kind == SHELL_JOB ? "jobs" : "clients";
}

uint32_t shell_common_rows(const struct shell_program *program)
{
    uint32_t rows = UINT32_MAX;
    for (size_t i = 0; program->command && program->command(i); i++)
        rows &= ~program->command(i)->rows;
    return rows;
}

const struct option_row *shell_next_row(const struct shell_program *program, uint32_t rows,
                                        size_t *i)
{
    while (*i < program->row_count && !(rows & UINT32_C(1) << *i))
        ++*i;
    return *i < program->row_count ? &program->rows[(*i)++] : NULL;
}

void shell_write(FILE *out, const struct shell_program *program, const char *text)
{
    static const char mark[] = "PROGRAM";
    for (const char *next; (next = strstr(text, mark)); text = next + sizeof mark - 1) {
        fwrite(text, 1, (size_t)(next - text), out);
        fputs(program->name, out);
    }
    fputs(text, out);
}

void shell_words(FILE *out, const char *choice)
{
    for (; *choice; choice++)
        putc(*choice == '|' ? ' ' : *choice, out);
}

void shell_pattern(FILE *out, const struct option_row *row)
{
    if (row->letter)
        fprintf(out, "-%c | ", row->letter);
    fprintf(out, "--%s", row->name);
}
