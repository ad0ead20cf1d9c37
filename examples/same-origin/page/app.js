angular
  .module("orders", ["orders.config"])

  .config(["$locationProvider", "CONFIG", function ($locationProvider, CONFIG) {
    $locationProvider.html5Mode(CONFIG.html5Mode);
  }])

  .constant("API", new URLSearchParams(window.location.search).get("api"))

  .controller("Orders", ["$http", "$location", "$q", "$rootScope", "API", "CONFIG",
    function ($http, $location, $q, $rootScope, API, CONFIG) {
      const vm = this;
      vm.api = API || CONFIG.api;
      vm.isElsewhere = new URL(vm.api, window.location).origin !== window.location.origin;
      vm.origin = window.location.origin;
      vm.login = { user: "ada", password: "notes on the engine" };
      vm.next = { item: "", count: 1 };

      // Without this a browser neither sends cookies to another origin nor keeps those it sets.
      vm.withCredentials = true;
      vm.chooseCredentials = function () {
        $http.defaults.withCredentials = vm.withCredentials;
      };
      vm.chooseCredentials();

      vm.linkTo = function (order) {
        const query = window.location.search;
        return CONFIG.html5Mode ? "/orders/" + order.id + query : "/" + query + "#!/orders/" + order.id;
      };

      function call(method, path, data) {
        vm.message = "…";
        return $http({ method: method, url: vm.api + path, data: data }).then(
          function (response) {
            vm.message = method + " " + path + ": " + response.status;
            return response;
          },
          function (response) {
            // To a script a refusal by the browser looks like a network that is down.
            vm.message = method + " " + path + ": " +
              (response.status === -1 ? "the browser shows this page no answer" : response.status);
            throw response;
          },
        );
      }

      function showOrders() {
        return call("GET", "/orders").then(function (response) {
          vm.orders = response.data;
        });
      }

      function showOrder() {
        const [, number] = /^\/orders\/(\w+)$/.exec($location.path()) || [];
        vm.order = null;
        if (vm.user && number) return show("/orders/" + number);
      }

      function show(path) {
        return call("GET", path).then(function (response) {
          vm.order = response.data;
        });
      }

      function begin() {
        return call("GET", "/me").then(
          function (response) {
            vm.user = response.data.user;
            return showOrders().then(showOrder);
          },
          function (response) {
            vm.user = null;
            if (response.status === 401) vm.message = "GET /me: 401, nobody is logged in";
          },
        );
      }

      vm.logIn = function () {
        call("POST", "/login", vm.login).then(begin).catch(angular.noop);
      };

      vm.logOut = function () {
        call("POST", "/logout").then(begin).catch(angular.noop);
      };

      vm.add = function () {
        call("POST", "/orders", vm.next)
          .then(function () {
            vm.next = { item: "", count: 1 };
            return showOrders();
          })
          .then(function () {
            return show("/orders/latest");
          })
          .catch(angular.noop);
      };

      vm.remove = function (order) {
        call("DELETE", "/orders/" + order.id).then(showOrders).catch(angular.noop);
      };

      $rootScope.$on("$locationChangeSuccess", function () {
        $q.when(showOrder()).catch(angular.noop);
      });
      begin().catch(angular.noop);
    },
  ]);
