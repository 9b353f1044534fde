import type { DeviceState } from '../core/advance.ts';
import type { StoredDevice } from '../store/ingest/devices.ts';

/** A device as this sink last committed it, with its decoded state. */
export interface CachedDevice extends Omit<StoredDevice, 'state'> {
  readonly state: DeviceState;
}

/**
 * Recently folded devices. Only an optimisation: comparing the device's version at commit shows
 * whether an entry is still current.
 */
export interface DeviceCache {
  get(externalId: string): CachedDevice | undefined;
  /** Keeps a device; the least recently used one is evicted when the cache is full. */
  set(device: CachedDevice): void;
  delete(externalId: string): void;
  clear(): void;
}

export function createDeviceCache(capacity: number): DeviceCache {
  const devices = new Map<string, CachedDevice>();
  return {
    get: (externalId) => devices.get(externalId),
    set(device) {
      devices.delete(device.externalId);
      devices.set(device.externalId, device);
      if (devices.size > capacity) devices.delete(devices.keys().next().value!);
    },
    delete: (externalId) => void devices.delete(externalId),
    clear: () => devices.clear(),
  };
}
