#ifndef LOAD_MEASUREMENT_H
#define LOAD_MEASUREMENT_H

#include "load/options.h"

/* Runs the measurement that the command line asks for, from looking the target up to the reports.
 * Returns the exit status of the program; errors are printed on standard error. */
int measurement_run(struct load_options *options);

#endif
