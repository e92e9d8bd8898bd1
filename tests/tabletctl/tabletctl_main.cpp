// tabletctl as a process of its own, for the tests that look at exit codes and terminals.
#include "node/tabletctl/tabletctl.h"

int main(int argc, char** argv) { return tabletd::ctl::run_tabletctl(argc, argv); }
