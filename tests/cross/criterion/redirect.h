#ifndef CROSS_CRITERION_REDIRECT_H
#define CROSS_CRITERION_REDIRECT_H

/* What is printed is kept off the report; no unit test looks at it by these. */
void cr_redirect_stdout(void);
void cr_redirect_stderr(void);

#endif
