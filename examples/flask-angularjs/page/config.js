// What differs from one place where this page is served to the next.
angular.module("orders.config", []).constant("CONFIG", {
  api: "http://localhost:8080", // the gateway; ?api=http://localhost:5000 is the API itself
  html5Mode: false, // a plain file server knows no page at /orders/1
});
