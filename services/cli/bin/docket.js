#!/usr/bin/env node
// Committed, because npm links no command whose file is not there yet when it installs.
import '../dist/main.js';
