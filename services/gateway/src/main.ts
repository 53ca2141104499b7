import { runService } from '@docket/runtime';
import { setFlagsFromString } from 'node:v8';

import { createGatewayApp } from './app.ts';
import { settings } from './config.ts';

// I8: by itself V8 collects once the heap has doubled or more, and what requests leave behind would be most of the process's memory.
setFlagsFromString('--heap-growing-percent=30');

await runService({ name: 'gateway', settings, createApp: createGatewayApp });
