#include "os/process/immediate_exit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end_otherwise(void)
{
    _exit(1);
}

Test(immediate_exit, ends_the_process_with_its_status_and_without_the_functions_of_atexit)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        atexit(end_otherwise);
        exit_immediately(3);
    }
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}
