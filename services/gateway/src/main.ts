import { runService } from '@docket/runtime';
import { setFlagsFromString } from 'node:v8';

import { createGatewayApp } from './app.ts';
import { settings } from './config.ts';

// I8: by itself V8 lets a small heap grow to four times its size, and what requests leave behind would be most of the process's memory. Much less than
// this, and it collects the whole heap wherever it would collect what is young: with 30 it took a third of the gateway’s throughput. More, and a storm of hostile requests comes near 300 MB.
setFlagsFromString('--heap-growing-percent=100');

await runService({ name: 'gateway', settings, createApp: createGatewayApp });
