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

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
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
        'Proxies in front of the service that append to X-Forwarded-For: for the gateway the load balancers, for the others the gateway alone, which tells them where a request came from; the address before them is recorded as where an event or a request came from. 0 takes the address of the connection.',
      default: defaultHops,
      min: 0,
      max: 10,
    }),
  };
}

/** Of the services that browsers reach: the same for all of them. */
export const viewerOriginSettings = {
  viewerOrigins: setting.list({
    env: 'VIEWER_ORIGINS',
    description:
      'Origins of pages that may read with viewer tokens (CORS), such as https://app.example.com. Empty: only pages of the origin of the gateway.',
    default: [],
    check: (origins) => {
      const wrong = origins.find((text) => !isOrigin(text));
      return wrong === undefined ? undefined : `${wrong.slice(0, 64)} is not an origin, as in https://app.example.com`;
    },
  }),
};

/** As browsers send it: no path, no default port, lower case, no star. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text && !text.includes('*');
}
