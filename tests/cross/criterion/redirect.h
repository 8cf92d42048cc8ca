#ifndef CROSS_CRITERION_REDIRECT_H
#define CROSS_CRITERION_REDIRECT_H

/* Output redirection of Criterion: here output is discarded, since no unit test reads it. */
void cr_redirect_stdout(void);
void cr_redirect_stderr(void);

#endif
