export { createSaasApp } from './app.ts';
export { seed, seedOrganisations, seedUsers, type SeedUser } from './seed.ts';
export { createStore, type Store } from './store.ts';
