/**
 * @generated SignedSource<<226184b9107b49967764bab95fd18ed6>>
 * @relayHash 2caa67d257cccbb0a88800be54120a1f
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

// @relayRequestID 69410d4b777d371a0b0cc2c856e6bf2d928ad46208f24e0f5a093c0c007d78d9

import type { ConcreteRequest } from 'relay-runtime';
import type { FragmentRefs } from "relay-runtime";
export type tripListPlaceQuery$variables = {
  id: string;
};
export type tripListPlaceQuery$data = {
  readonly node: {
    readonly " $fragmentSpreads": FragmentRefs<"tripList_place">;
  } | null | undefined;
};
export type tripListPlaceQuery = {
  response: tripListPlaceQuery$data;
  variables: tripListPlaceQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "id"
  }
],
v1 = [
  {
    "kind": "Variable",
    "name": "id",
    "variableName": "id"
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "tripListPlaceQuery",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "node",
        "plural": false,
        "selections": [
          {
            "args": null,
            "kind": "FragmentSpread",
            "name": "tripList_place"
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "tripListPlaceQuery",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "node",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "__typename",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          },
          {
            "kind": "InlineFragment",
            "selections": [
              {
                "alias": null,
                "args": null,
                "concreteType": "Position",
                "kind": "LinkedField",
                "name": "start",
                "plural": false,
                "selections": [
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "lat",
                    "storageKey": null
                  },
                  {
                    "alias": null,
                    "args": null,
                    "kind": "ScalarField",
                    "name": "lon",
                    "storageKey": null
                  }
                ],
                "storageKey": null
              }
            ],
            "type": "Trip",
            "abstractKey": null
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "2caa67d257cccbb0a88800be54120a1f",
    "id": "69410d4b777d371a0b0cc2c856e6bf2d928ad46208f24e0f5a093c0c007d78d9",
    "metadata": {},
    "name": "tripListPlaceQuery",
    "operationKind": "query",
    "text": "query tripListPlaceQuery(\n  $id: ID!\n) {\n  node(id: $id) {\n    __typename\n    ...tripList_place\n    id\n  }\n}\n\nfragment tripList_place on Trip {\n  start {\n    lat\n    lon\n  }\n  id\n}\n"
  }
};
})();

(node as any).hash = "c95a5bb47d34bc31869966e08ffc3a6b";

export default node;
