import { setting } from './declare-setting.ts';

/** Where a service listens. Tests use port 0 and read the chosen one from the log line `http.listening`. */
export const httpSettings = {
  httpPort: setting.integer({
    env: 'HTTP_PORT',
    description: 'Port of the HTTP server; 0 takes a free one.',
    min: 0,
    max: 65_535,
    default: 8080,
  }),
  httpHost: setting.string({
    env: 'HTTP_HOST',
    description: 'Address the HTTP server binds to.',
    default: '0.0.0.0',
  }),
};

/** The same with the service's own default port (design §9: gateway 8080, query 8081, admin 8082, ingestor 8083, delivery 8084). */
export function httpSettingsWithPort(defaultPort: number): typeof httpSettings {
  return { ...httpSettings, httpPort: { ...httpSettings.httpPort, default: defaultPort } };
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logSettings = {
  logLevel: setting.oneOf({
    env: 'LOG_LEVEL',
    description: 'Least severe log line that is written.',
    values: logLevels,
    default: 'info',
  }),
};

/** For services that record where a request came from. */
export function trustedProxySettings(defaultHops: number) {
  return {
    trustedProxyHops: setting.integer({
      env: 'TRUSTED_PROXY_HOPS',
      description:
        'Proxies in front of the service that append to X-Forwarded-For: load balancers, and for the query service the gateway; the address before them is recorded as where an event or a request came from. 0 takes the address of the connection.',
      default: defaultHops,
      min: 0,
      max: 10,
    }),
  };
}
