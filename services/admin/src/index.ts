export { createAdminApp } from './app.ts';
export { settings as adminSettings, type Config as AdminConfig } from './config.ts';
