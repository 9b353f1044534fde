import type { ChangeSubject } from '../../store/read/changes.ts';
import type { Changed } from '../../store/read/live/changes.ts';
import type { Reader } from '../../store/read/session.ts';

/** Under what the hub finds those who follow a device or a driver; an operator follows a driver of any tenant. */
export function topicOf(kind: string, of: ChangeSubject, { tenant, operator }: Reader): string {
  return 'deviceId' in of
    ? `${kind} device ${of.deviceId}`
    : driverTopic(kind, operator ? null : tenant, of.driverExternalId);
}

/** The topics that a change is of. */
export function topicsOf(kind: string, { deviceId, owner }: Changed): readonly string[] {
  const { tenant, driver } = owner;
  const all = [`${kind} device ${deviceId}`, tenantTopic(kind, tenant)];
  return driver === null
    ? all
    : [...all, driverTopic(kind, tenant, driver), driverTopic(kind, null, driver)];
}

export function tenantTopic(kind: string, tenant: string | null): string {
  return `${kind} tenant ${tenant}`;
}

function driverTopic(kind: string, tenant: string | null, driver: string): string {
  return `${kind} driver ${JSON.stringify([tenant, driver])}`;
}
