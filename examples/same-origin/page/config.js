// What differs from one place where this page is served to the next.
angular.module("orders.config", []).constant("CONFIG", {
  api: "/api", // on the page's own origin: the browser has nothing to ask for
  html5Mode: true, // whoever serves this page answers with it at /orders/1 too
});
