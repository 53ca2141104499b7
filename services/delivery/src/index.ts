export { createDeliveryApp } from './app.ts';
export { settings as deliverySettings, type Config as DeliveryConfig } from './config.ts';
