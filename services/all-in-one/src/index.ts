export { createAllInOneApps } from './app.ts';
export { settings, type Config } from './config.ts';
