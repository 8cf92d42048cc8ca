/* What the completions of all shells have in common: the reading of the tables. */
#include "completion/completed_program.h"

#include <string.h>

enum completion_kind completion_kind_of(const char *argument)
{
    static const struct {
        const char *name;
        enum completion_kind kind;
    } kinds[] = {
        {"FILE", COMPLETION_FILE},      {"PATH", COMPLETION_FILE}, {"HOST[:PORT]", COMPLETION_HOST},
        {"ADDRESS", COMPLETION_CLIENT}, {"ID", COMPLETION_JOB},
    };
    if (strchr(argument, '|'))
        return COMPLETION_WORDS;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argument) == 0)
            return kinds[i].kind;
    return COMPLETION_NOTHING;
}

const char *completion_lister(enum completion_kind kind)
{
    return kind == COMPLETION_JOB ? "jobs" : "clients";
}

uint32_t completion_common_rows(const struct completion_program *program)
{
    uint32_t rows = UINT32_MAX;
    for (size_t i = 0; program->command && program->command(i); i++)
        rows &= ~program->command(i)->rows;
    return rows;
}

const struct option_row *completion_next_row(const struct completion_program *program,
                                             uint32_t rows, size_t *i)
{
    while (*i < program->row_count && !(rows & UINT32_C(1) << *i))
        ++*i;
    return *i < program->row_count ? &program->rows[(*i)++] : NULL;
}

void completion_write(FILE *out, const struct completion_program *program, const char *text)
{
    static const char mark[] = "PROGRAM";
    for (const char *next; (next = strstr(text, mark)); text = next + sizeof mark - 1) {
        fwrite(text, 1, (size_t)(next - text), out);
        fputs(program->name, out);
    }
    fputs(text, out);
}

void completion_words(FILE *out, const char *choice)
{
    for (; *choice; choice++)
        putc(*choice == '|' ? ' ' : *choice, out);
}

void completion_pattern(FILE *out, const struct option_row *row)
{
    if (row->short_name)
        fprintf(out, "-%c | ", row->short_name);
    fprintf(out, "--%s", row->name);
}
